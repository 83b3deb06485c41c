/// What a checkpoint keeps of quantization besides the tensors: the quantizers and where the scheduler stands.
///
/// Its JSON has NNCF's outline (`builder_state`, `ctrl_state`) with quantizers known by their ids. The tensors of the quantizers are saved with all others.
public struct CompressionState: Sendable, Hashable {
  /// The version of the layout that is written and read.
  public static let version = 2

  /// The quantizers, with the signs that the data decided.
  public var setup: QuantizerSetup
  /// How many quantizers the network could have had.
  public var potential: PotentialQuantizers
  /// Where the scheduler stands.
  public var scheduler: CompressionScheduler.State
  /// How far compression has come.
  public var stage: CompressionStage

  /// A state.
  public init(
    setup: QuantizerSetup, potential: PotentialQuantizers = .init(), scheduler: CompressionScheduler.State = .init(),
    stage: CompressionStage = .fullyCompressed
  ) {
    self.setup = setup
    self.potential = potential
    self.scheduler = scheduler
    self.stage = stage
  }
}

/// How far compression has come. Plain quantization is complete from the start.
public enum CompressionStage: Int, Sendable, Hashable, Codable {
  /// No quantizer is at work.
  case uncompressed = 0
  /// Some quantizers are at work: those whose stage has begun.
  case partiallyCompressed = 1
  /// All quantizers are at work.
  case fullyCompressed = 2
}

/// How many quantizers a network could have if nothing were ignored or shared.
public struct PotentialQuantizers: Sendable, Hashable, Codable {
  /// Weights of convolutions and matrix products.
  public var weights: Int
  /// Activation inputs of operators that compute on integers.
  public var activations: Int

  /// Counts; none unless given.
  public init(weights: Int = 0, activations: Int = 0) {
    self.weights = weights
    self.activations = activations
  }

  private enum CodingKeys: String, CodingKey {
    case weights = "wq_potential_num"
    case activations = "aq_potential_num"
  }
}
