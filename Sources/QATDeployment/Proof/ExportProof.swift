import QATEngine
import QATGraph
import QATLowering
import RealModule

/// Whether a written file computes what was trained: what was read back from it, computed a second time by the plain kernels in double precision, which
/// share no code with the plan that trains, with the runtimes' arithmetic or with the lowering of the trained network.
///
/// Every tensor that exists in the runtime is compared, each from the codes in front of it, so that a code that falls to the other side of a tie does not move
/// those behind it: what is compared is one operator with its quantizer, a whole network of them.
public struct ExportProof: Sendable {
  /// What was compared of one tensor.
  public struct Comparison: Sendable, Hashable {
    /// The tensor's name in the file's network.
    public var tensor: TensorName
    /// Elements compared.
    public var count = 0
    /// Codes that are another than the exact one, of values that are within `tieWidth` of the tie between the two.
    public var besideTies = 0
    /// Elements that are neither the exact one nor beside a tie.
    public var wrong = 0
    /// Elements that are no numbers, such as 0 / 0, in the network as in the file: what runtimes make of them is nobody's promise.
    public var undefined = 0
  }

  /// How far from a tie a value may be rounded to either side, in steps of the grid: float32 arithmetic moves values of up to 256 steps by less than a thousandth.
  public static let tieWidth = 0.01
  /// How far floats may be from the exact ones, relative to the largest magnitude of their tensor.
  public static let floatTolerance = 1e-4

  /// Whose arithmetic was compared.
  public let target: Runtime
  /// Samples that were computed.
  public let sampleCount: Int
  /// Tensors in node order.
  public let comparisons: [Comparison]
  /// Elements of the network's outputs in which the file, in the runtime's arithmetic, differs by a bit from the network that was written.
  public let outputsThatDiffer: Int
  /// Whether all of it was compared before the time limit.
  public let isComplete: Bool

  /// Whether something was compared and nothing is wrong.
  public var isProven: Bool { count > 0 && faults.isEmpty }
  /// Elements compared.
  public var count: Int { comparisons.reduce(0) { $0 + $1.count } }
  /// Codes beside ties.
  public var besideTies: Int { comparisons.reduce(0) { $0 + $1.besideTies } }

  /// Tensors with elements that are no numbers, in node order.
  public var undefined: [Comparison] { comparisons.filter { $0.undefined > 0 } }

  /// What is wrong, one sentence a tensor.
  public var faults: [String] {
    var faults = comparisons.filter { $0.wrong > 0 }.map { "\($0.tensor): \($0.wrong) of \($0.count) values are wrong" }
    if outputsThatDiffer > 0 { faults.append("\(outputsThatDiffer) values of the outputs differ from those of the network that was written") }
    return faults
  }

  /// Compares.
  /// - Parameters:
  ///   - file: what was read back from the file, lowered.
  ///   - written: what was written.
  ///   - target: the runtime that the file is for.
  ///   - samples: samples, each with one array [1, ...] for each input.
  ///   - timeLimit: when no further operator is begun; a comparison that was not finished is none of the proof.
  /// - Throws: `GraphError` when an operator cannot run, or an input is missing or of another shape.
  public init(
    of file: LoweredGraph, against written: LoweredGraph, target: Runtime, samples: [[TensorName: NDArray<Float>]], timeLimit: Duration
  ) throws(GraphError) {
    let deadline = ContinuousClock.now + timeLimit
    let network = try DeployedNetwork(file, target: target, batchSize: 1)
    let original = try DeployedNetwork(written, target: target, batchSize: 1)
    let interpreter = try CodeInterpreter(file)
    var observations: [[TensorName: DeployedTensor]] = []
    var outputsThatDiffer = 0
    for inputs in samples where observations.isEmpty || ContinuousClock.now < deadline {
      var observed: [TensorName: DeployedTensor] = [:]
      let outputs = try network.run(inputs) { observed[$0] = $1 }
      for (name, expected) in try original.run(inputs) {
        let (found, exact) = (outputs[name]?.values.elements ?? [], expected.values.elements)
        outputsThatDiffer += found.count == exact.count ? zip(found, exact).count { $0.bitPattern != $1.bitPattern } : exact.count
      }
      observations.append(observed)
    }
    // Samples have nothing to do with each other: each thread takes its own.
    var results = [CodeInterpreter.Result](repeating: .init(), count: observations.count)
    results.withUnsafeMutableBufferPointer { results in
      // Each call writes its own place.
      let places = results
      parallel(places.count) { index in places[index] = interpreter.compare(samples[index], observations[index], until: deadline) }
    }
    self.target = target
    self.outputsThatDiffer = outputsThatDiffer
    sampleCount = observations.count
    isComplete = observations.count == samples.count && results.allSatisfy(\.isComplete)
    comparisons = CodeInterpreter.merged(results)
  }
}
