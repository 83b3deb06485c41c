import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// A quantized network on its way through fine-tuning: what NNCF's `create_compressed_model` returns.
public final class CompressionController {
  /// The quantized network with its initial values: quantizers initialised, batch norm adapted.
  public internal(set) var graph: Graph
  /// The quantizers, with the signs that the data decided.
  public internal(set) var setup: QuantizerSetup
  /// Counts steps and epochs, and knows which quantizers quantize.
  public let scheduler: CompressionScheduler
  /// How HAWQ has chosen the bit widths; nil where it has not.
  public internal(set) var precision: PrecisionReport?
  /// What the user should know, one sentence each: quantizers left at their defaults, and why.
  public let warnings: [String]
  /// Whether the ranks have agreed on the quantizers, so that they may train them together. One process alone has nobody to agree with.
  public internal(set) var isDistributed: Bool
  /// The ranks that have initialised the quantizers.
  public let communicator: any Communicator
  /// What an exported file says of the network besides what the export is given: the fingerprint of the configuration that made the quantizers, and what the fp32 file said.
  public var metadata: [String: String] = [:]
  /// What training changes of the network, once there is a model that is trained.
  public private(set) var state: ModelState?
  /// The network without quantizers.
  let source: Graph
  /// What finding ranges again needs; nil where nothing is quantized.
  let ranges: RangeSource?
  let potential: PotentialQuantizers
  let memory: MemoryConsumption
  let dataPath: QuantizedDataPath

  /// The key of `metadata` under which files hold `QuantizationConfiguration.fingerprint(device:)`.
  public static let fingerprintKey = "qat.compression.fingerprint"

  init(
    graph: Graph, source: Graph, setup: QuantizerSetup, stages: QuantizationStages? = nil, ranges: RangeSource? = nil, potential: PotentialQuantizers,
    memory: MemoryConsumption, dataPath: QuantizedDataPath, warnings: [String], communicator: any Communicator
  ) {
    self.graph = graph
    self.source = source
    self.ranges = ranges
    scheduler = CompressionScheduler(stages: stages)
    self.setup = setup
    self.potential = potential
    self.memory = memory
    self.dataPath = dataPath
    self.warnings = warnings
    self.communicator = communicator
    isDistributed = communicator.size == 1
  }

  /// Says where the values in training are, which `trainedGraph` and `distributed` then speak of.
  package func attach(_ state: ModelState) { self.state = state }

  /// The network with its values of the moment and the quantizers that are at work.
  /// - Throws: `QuantizationError` when the quantizers do not fit the network.
  public func trainedGraph() throws(QuantizationError) -> Graph { try activeGraph(state?.applied(to: graph)) }

  /// What quantization adds to the task's loss: nothing. A knowledge distillation's part is computed by the training step.
  public func loss() -> Float { 0 }

  /// How far compression has come: plain quantization is complete from the start, staged quantization when all quantizers quantize.
  public var compressionStage: CompressionStage { scheduler.stage }

  /// What a checkpoint keeps of quantization besides the tensors.
  public var compressionState: CompressionState {
    CompressionState(setup: setup, potential: potential, scheduler: scheduler.state, stage: compressionStage)
  }

  /// What was placed, in numbers.
  public func statistics() -> QuantizationStatistics {
    QuantizationStatistics(setup, potential, memory: memory, dataPath: dataPath, enabled: scheduler.enabledKinds)
  }
}
