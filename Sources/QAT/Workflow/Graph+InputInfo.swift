import QATGraph
import QATQuantization
import QATTraining

extension Graph {
  /// Checks that the network takes the shapes that the configuration's `input_info` says.
  /// - Throws: `TrainingError` naming the input and both shapes.
  public func requireInputs(_ inputInfo: [InputInfo]) throws(TrainingError) {
    for (index, info) in inputInfo.enumerated() {
      let found = info.keyword.map { keyword in inputs.first { $0.name == keyword } } ?? (index < inputs.count ? inputs[index] : nil)
      guard let found else {
        let described = info.keyword.map { "an input '\($0)'" } ?? "\(inputInfo.count) inputs"
        throw TrainingError(.input, "input_info describes \(described), the network '\(name)' has \(inputs.map(\.name))")
      }
      // A file without "type" means float32, but the network knows its integers.
      if info.kind == .long, found.type.elementType == .float32 {
        throw TrainingError(.input, "input_info says type \"long\", the network's input '\(found.name)' is \(found.type). Leave \"type\" out")
      }
      guard let expected = info.sampleSize else { continue }
      let dimensions = found.type.dimensions
      let fits =
        dimensions.count == expected.count
        && zip(dimensions, expected).dropFirst().allSatisfy { dimension, size in dimension.fixedSize.map { $0 == size } ?? true }
      guard fits else {
        throw TrainingError(
          .input,
          "input_info says sample_size \(expected), the network's input '\(found.name)' is \(found.type). Give the shape that the network takes")
      }
    }
  }
}
