import QATCommunication
import QATEngine
import QATGraph

/// How much accuracy each layer costs when it alone is quantized.
public struct Sensitivity: Sendable, Hashable {
  /// What a network with some quantizers says of the samples, beside the fp32 network.
  public struct Effect: Sendable, Hashable {
    /// Fraction of samples of which the network says the same class as the fp32 network.
    public var agreement: Double
    /// Fraction of samples whose class scores highest; nil without labels.
    public var top1: Double?
    /// Mean cross-entropy; nil without labels.
    public var loss: Double?
    /// The first output's, in decibels.
    public var outputNoise: SignalToNoise
  }

  /// One layer and what its quantization costs.
  public struct Layer: Sendable, Hashable {
    /// The operator and its quantizers.
    public var layer: QuantizedLayer
    /// The network in which it alone is quantized.
    public var effect: Effect
  }

  /// Number of samples.
  public var sampleCount: Int
  /// The network without quantizers.
  public var float: Effect
  /// The network with all of them.
  public var quantized: Effect
  /// Each layer alone, the costliest first: by the loss, or without labels by the noise of the output; equal ones in node order.
  public var layers: [Layer]

  /// Quantizes one layer at a time and evaluates each such network. All ranks call it together and get the same bytes, for every number of ranks.
  /// - Parameters:
  ///   - quantized: the quantized network, whose ranges are used.
  ///   - float: the network without quantizers.
  ///   - setup: the quantizers.
  ///   - samples: the samples to evaluate on, with labels or without.
  ///   - batchSize: samples in a batch, on whichever rank.
  ///   - communicator: the ranks.
  ///   - progress: called with each layer before it is measured, its place from 0, and the number of layers.
  /// - Throws: `QuantizationError` when there are no samples; what the engine, the samples or the communicator throw.
  public init(
    of quantized: Graph, float: Graph, setup: QuantizerSetup, samples: any BatchSource, batchSize: Int = calibrationBatchSize,
    communicator: any Communicator,
    progress: (_ layer: QuantizedLayer, _ place: Int, _ count: Int) -> Void = { _, _, _ in }
  ) throws {
    guard samples.sampleCount > 0 else { throw QuantizationError("there are no samples to measure the cost of quantization on") }
    func scores(_ graph: Graph) throws -> NetworkScores { try NetworkScores(of: graph, samples, batchSize: batchSize, communicator) }
    let exact = try scores(float)
    // Labels are classes only where there is one score for each.
    let labels = try samples.targets(of: 0..<samples.sampleCount).flatMap { targets in
      targets.classes.count == targets.count && targets.classes.allSatisfy { (0..<exact.width).contains(Int($0)) } ? targets.classes : nil
    }
    func effect(_ scores: NetworkScores) -> Effect {
      Effect(
        agreement: scores.agreement(with: exact), top1: labels.map(scores.top1), loss: labels.map(scores.loss), outputNoise: scores.noise(from: exact)
      )
    }
    sampleCount = samples.sampleCount
    self.float = effect(exact)
    self.quantized = effect(try scores(quantized))
    let all = setup.layers(of: float)
    let measured = try all.enumerated().map { place, layer in
      progress(layer, place, all.count)
      return Layer(layer: layer, effect: effect(try scores(float.quantizing(layer.quantizers, of: setup, as: quantized))))
    }
    func cost(_ layer: Layer) -> Double { layer.effect.loss ?? -layer.effect.outputNoise.decibels }
    layers = measured.enumerated().sorted { (-cost($0.element), $0.offset) < (-cost($1.element), $1.offset) }.map(\.element)
  }
}
