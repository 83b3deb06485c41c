import QATGraph
import QATJSON
import QATModels
import QATTraining

extension Model {
  /// A model of a well-known architecture.
  /// - Parameters:
  ///   - name: one of `architectureNames`.
  ///   - classes: number of classes; the published one when nil.
  ///   - seed: seed of the initial weights.
  ///   - weights: how all parameters start, instead of as their layers say: `.constant(0)` where they are loaded afterwards.
  /// - Throws: `TrainingError` when there is no such architecture.
  public convenience init(architecture name: String, classes: Int? = nil, seed: UInt64 = 0, weights: Initializer? = nil) throws {
    let count = max(1, classes ?? defaultClassCount(ofArchitecture: name))
    guard let graph = QATModels.architecture(named: name, classes: count, seed: seed, weights: weights) else {
      let nearest = NearestWord.to(name, among: architectureNames).map { ": did you mean '\($0)'?" }
      throw TrainingError(.input, "there is no architecture '\(name)'\(nearest ?? "; there are \(architectureNames.joined(separator: ", "))")")
    }
    try self.init(graph)
  }
}
