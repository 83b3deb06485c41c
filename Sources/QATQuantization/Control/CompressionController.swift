import QATCommunication
import QATEngine
import QATGraph

/// A quantized network on its way through fine-tuning: what NNCF's `create_compressed_model` returns.
public final class CompressionController {
  /// The quantized network with its initial values: quantizers initialised, batch norm adapted.
  public internal(set) var graph: Graph
  /// The quantizers, with the signs that the data decided.
  public internal(set) var setup: QuantizerSetup
  /// Counts steps and epochs.
  public let scheduler = CompressionScheduler()
  /// What the user should know, one sentence each: quantizers left at their defaults, and why.
  public internal(set) var warnings: [String] = []
  let communicator: any Communicator

  init(graph: Graph, setup: QuantizerSetup, communicator: any Communicator) {
    self.graph = graph
    self.setup = setup
    self.communicator = communicator
  }

  /// What quantization adds to the task's loss: nothing.
  public func loss() -> Float { 0 }

  /// What a checkpoint keeps of quantization besides the tensors.
  public var compressionState: CompressionState { CompressionState(setup: setup, scheduler: scheduler.state) }
}

/// Quantizes a network: decides on the quantizers, initialises them from data, inserts them, adapts batch norm.
///
/// Every rank calls it with the same arguments; every rank gets the same bytes, however many ranks there are.
/// - Parameters:
///   - graph: a trained fp32 network.
///   - configuration: the `quantization` section.
///   - device: chooses the hardware table.
///   - calibration: samples for range initialisation and batch norm adaptation, the same list on every rank; nil leaves activations at their defaults.
///   - calibrationBatchSize: samples in one calibration batch, on whichever rank. Statistics that are defined per batch depend on it.
///   - communicator: the ranks.
///   - compressionState: a saved state: its quantizers are inserted without initialisation; the tensors are then loaded by name.
/// - Returns: the controller, which holds the quantized network.
/// - Throws: `QuantizationError`, `GraphError`, and what the samples or the communicator throw.
public func createCompressedModel(
  _ graph: Graph, _ configuration: QuantizationConfiguration, device: TargetDevice, calibration: (any BatchSource)?, calibrationBatchSize: Int = 32,
  communicator: any Communicator, compressionState: CompressionState? = nil
) throws -> CompressionController {
  let setup = try compressionState?.setup ?? placeQuantizers(in: graph, configuration, device: device)
  let controller = CompressionController(graph: try graph.inserting(setup), setup: setup, communicator: communicator)
  if let compressionState { controller.scheduler.state = compressionState.scheduler }
  return controller
}
