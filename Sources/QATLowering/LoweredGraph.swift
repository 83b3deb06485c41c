import QATGraph
import QATTensor

/// A fake-quantized network as integers: what every exporter writes and what the deployed network is evaluated as.
///
/// `simulation` is the network's structure, and the tables say which of its tensors are integers and how they are stored. Batch norm is folded into the
/// layers before it, and fake quantizers stand on activations alone.
public struct LoweredGraph: Sendable {
  /// The deployed network in floating point: weights are code · scale, biases are rounded to int32 codes, activations pass `FakeQuantize`.
  public var simulation: Graph
  /// Storage of every tensor of `simulation` whose values lie on a grid: outputs of fake quantizers, and of operators that only move such values.
  public var activations: [TensorName: ActivationCodes]
  /// Integer weights, by the name of the constant of `simulation` that holds their values.
  public var weights: [TensorName: QuantizedWeight]
  /// Integer biases, by the name of the constant of `simulation` that holds their values.
  public var biases: [TensorName: QuantizedBias]
  /// Convolutions and linear layers that multiply integers, in node order.
  public var integerLayers: [IntegerLayer]
  /// Operators that compute in floating point, in node order, each with the reason.
  public var floatOperators: [FloatOperator]
  /// What the lowering had to change of the trained network, in node order; empty when every value is as trained.
  public var adjustments: [Adjustment]

  /// A convolution or linear layer that multiplies integers.
  public struct IntegerLayer: Sendable, Hashable {
    /// The node's name.
    public var name: String
    /// The operator's type.
    public var type: String
    /// The tensor it reads; its storage stands in `activations`.
    public var input: TensorName
    /// The constant of its weight.
    public var weight: TensorName
    /// The constant of its bias, if it has one.
    public var bias: TensorName?
    /// The tensor it makes.
    public var output: TensorName
  }

  /// An operator that computes in floating point.
  public struct FloatOperator: Sendable, Hashable, Codable {
    /// The node's name.
    public var name: String
    /// The operator's type.
    public var type: String
    /// Why, in one sentence.
    public var reason: String
  }

  /// A change of a value that was trained.
  public struct Adjustment: Sendable, Hashable, Codable {
    /// The node it happened at.
    public var node: String
    /// What was changed and why, in one sentence.
    public var reason: String
  }
}

/// A weight as signed bytes: value = code · scale of its channel. The zero-point is 0.
public struct QuantizedWeight: Sendable, Hashable {
  /// The weight's shape.
  public var shape: [Int]
  /// The codes, row-major.
  public var codes: [Int8]
  /// One scale for all codes, or one an index of `channelAxis`. Positive and normal.
  public var scales: [Float]
  /// The axis of the output channels.
  public var channelAxis: Int
  /// Bit width of the quantizer; codes of an 8-bit quantizer with half its range lie in −64...64.
  public var bits: Int

  /// Whether the codes can be stored in four bits: those of a quantizer of at most four, unless a negative factor turned a −8 into 8.
  public var fitsFourBits: Bool { bits <= 4 && codes.allSatisfy { (-8...7).contains($0) } }

  /// The values: each code times its scale, rounded once.
  public var values: Tensor {
    let inner = shape[(channelAxis + 1)...].reduce(1, *)
    let values = codes.enumerated().map { Float($1) * (scales.count == 1 ? scales[0] : scales[$0 / inner % scales.count]) }
    return Tensor(values, shape: shape)
  }
}

/// A bias as 32-bit integers: value = code · scale of its channel, the scale being the float32 product of the input's and the weight's.
public struct QuantizedBias: Sendable, Hashable {
  /// One code a channel, of magnitude below 2³⁰.
  public var codes: [Int32]
  /// One scale for all, or one a channel.
  public var scales: [Float]

  /// The values: each code as float32, times its scale.
  public var values: Tensor {
    Tensor(codes.enumerated().map { Float($1) * (scales.count == 1 ? scales[0] : scales[$0]) }, shape: [codes.count])
  }
}
