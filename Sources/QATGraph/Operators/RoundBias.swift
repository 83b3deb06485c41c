import QATTensor

/// Rounds a layer's bias as files store it: to whole numbers of accumulator steps, in floating point.
///
/// Inputs: bias [C]; the parameters of the quantizer of the layer's input, [1] each; the scale of its weight's quantizer, [C] or [1].
/// y[c] = code · S with S = f(s_x · s_w[c]), f one rounding to float32, s_x and s_w the quantizers' steps, and code the whole number nearest to bias[c] / S
/// that has at most 22 significant bits. Training then sees the bias that runtimes add.
///
/// The gradient is straight-through: the upstream gradient for the bias, none for the parameters.
public struct RoundBias: Operator {
  /// The name in messages; no file holds it.
  public static let type = "RoundBias"
  /// bias, scale and scale; with an asymmetric input one more.
  public static let inputCount = 3...4
  /// The quantizer of the layer's input: one grid in all.
  public var input: FakeQuantize
  /// The symmetric quantizer of its weight.
  public var weight: FakeQuantize

  /// Significant bits of a code: as many as its float32 value, read from a file, gives back whatever the scale.
  public static let codeBits = 22

  /// A rounding for a layer with these quantizers.
  public init(input: FakeQuantize, weight: FakeQuantize) {
    self.input = input
    self.weight = weight
  }

  /// The type of the bias.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let bias = try required(inputs, 0, "bias", rank: 1)
    let count = input.mode == .asymmetric ? 4 : 3
    guard inputs.count == count, input.channelAxis == nil, weight.mode != .asymmetric else {
      throw ShapeError("RoundBias takes the bias and the parameters of a quantizer of one range and of a symmetric one, found \(inputs.count) inputs")
    }
    for index in 1..<count - 1 {
      let type = try required(inputs, index, "input's parameter")
      guard type.dimensions == [.fixed(1)] else { throw ShapeError("RoundBias needs parameters [1] of the input's quantizer, found \(type)") }
    }
    let scale = try required(inputs, count - 1, "weight's scale")
    guard scale.dimensions == [.fixed(1)] || scale.dimensions == bias.dimensions else {
      throw ShapeError("RoundBias of a bias \(bias) needs a scale for all or one for each of its channels, found \(scale)")
    }
    return [bias]
  }

  /// The value of one step of a channel's accumulators, S.
  /// - Parameters:
  ///   - parameters: those of the input's quantizer.
  ///   - scale: that of the weight's quantizer, of the channel.
  /// - Returns: f(s_x · s_w), a float32.
  public func accumulatorStep(_ parameters: (Float, Float), _ scale: Float) -> Float {
    let grid = input.mode == .asymmetric ? input.floatGrid(inputLow: parameters.0, inputRange: parameters.1) : input.floatGrid(scale: parameters.0)
    return grid.step * FakeQuantize.storedStep(weight.floatGrid(scale: scale).step, bits: weight.bits)
  }

  /// A bias as files store it; what has no code stays.
  public static func rounded(_ bias: Double, step: Float) -> Double {
    let steps = bias / Double(step)
    return steps.isFinite ? code(steps) * Double(step) : bias
  }

  /// The whole number nearest to a finite number that has at most `codeBits` significant bits.
  public static func code(_ value: Double) -> Double {
    let excess = value == 0 ? 0 : Int(value.exponent) + 1 - codeBits
    guard excess > 0 else { return value.rounded(.toNearestOrEven) }
    let unit = Double(sign: .plus, exponent: excess, significand: 1)
    return (value / unit).rounded(.toNearestOrEven) * unit
  }
}
