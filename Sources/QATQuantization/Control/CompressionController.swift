import QATCommunication
import QATGraph
import QATTensor

/// A quantized network on its way through fine-tuning: what NNCF's `create_compressed_model` returns.
public final class CompressionController {
  /// The quantized network with its initial values: quantizers initialised, batch norm adapted.
  public internal(set) var graph: Graph
  /// The quantizers, with the signs that the data decided.
  public let setup: QuantizerSetup
  /// Counts steps and epochs.
  public let scheduler = CompressionScheduler()
  /// What the user should know, one sentence each: quantizers left at their defaults, and why.
  public let warnings: [String]
  let potential: PotentialQuantizers
  let communicator: any Communicator

  init(graph: Graph, setup: QuantizerSetup, potential: PotentialQuantizers, warnings: [String], communicator: any Communicator) {
    self.graph = graph
    self.setup = setup
    self.potential = potential
    self.warnings = warnings
    self.communicator = communicator
  }

  /// What quantization adds to the task's loss: nothing.
  public func loss() -> Float { 0 }

  /// How far compression has come: plain quantization is complete from the start.
  public var compressionStage: CompressionStage { .fullyCompressed }

  /// What a checkpoint keeps of quantization besides the tensors.
  public var compressionState: CompressionState {
    CompressionState(setup: setup, potential: potential, scheduler: scheduler.state, stage: compressionStage)
  }

  /// What was placed, in numbers.
  public func statistics() -> QuantizationStatistics { QuantizationStatistics(setup, potential) }

  /// Gives every rank the quantizer parameters of rank 0, after checking that all ranks have the same quantizers. All ranks call it.
  /// - Throws: `CommunicationError` naming the rank that differs.
  public func distributed() throws {
    try communicator.verifyEqual(setup.fingerprint, what: "the quantizer setup")
    let names = setup.parameterNames
    let own = names.flatMap { graph.tensor($0)?.floats ?? [] }
    let received = try communicator.broadcast(own.withUnsafeBytes { Array($0) })
    let values = received.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    var offset = 0
    for name in names {
      guard let shape = graph.tensor(name)?.shape else { continue }
      graph.constants[name]?.tensor = Tensor(Array(values[offset..<offset + shape.elementCount]), shape: shape)
      offset += shape.elementCount
    }
  }
}

extension QuantizerSetup {
  /// Names of the parameters in the quantized network, each once, sorted.
  var parameterNames: [TensorName] {
    let owners = parameterOwners
    let names = points.flatMap { point in point.specification.parameters.map { "\(owners[point.id] ?? point.id).\($0.suffix)" } }
    return Set(names).sorted()
  }
}
