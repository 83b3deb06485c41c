import QATLowering

/// How one runtime gets from accumulators, codes and floats to the next codes. Each runtime is one file with its formulas.
///
/// Source of the formulas: measured on ONNX Runtime 1.32 and OpenVINO 2026.4 until no code of whole networks and of layers full of rounding ties differed.
protocol RuntimeArithmetic: Sendable {
  /// Floats to codes.
  func quantization(to codes: ActivationCodes) -> Quantization
  /// A layer's accumulators to codes.
  func requantization(of product: ProductScales, to codes: ActivationCodes) -> Requantization
  /// A layer's accumulators to floats.
  func dequantization(of product: ProductScales) -> Dequantization
  /// The sum of two tensors of codes as codes; nil where the runtime adds floats.
  func addition(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination?
  /// The product of two tensors of codes, element by element, as codes; nil where the runtime multiplies floats.
  func multiplication(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination?
  /// The mean of `count` codes, of which the sum is given, as a code.
  func average(of input: ActivationCodes, count: Int, to codes: ActivationCodes) -> Average
  /// What a batch norm makes of the 256 codes of its input, for each channel; nil where the runtime's arithmetic is not known.
  func normalization(_ norm: NormalizationValues, of input: ActivationCodes, to codes: ActivationCodes) -> [[UInt8]]?
  /// A layer's accumulators, rounded to the codes `branch` and added to the codes `skip`, as codes; nil where the runtime does not add within a layer.
  func residual(of product: ProductScales, branch: ActivationCodes, skip: ActivationCodes, to codes: ActivationCodes) -> Residual?
}

/// Writes a code for each value.
typealias Quantization = @Sendable (_ values: UnsafeBufferPointer<Float>, _ codes: UnsafeMutablePointer<UInt8>) -> Void
/// Writes a code for each accumulator of an output channel.
typealias Requantization = @Sendable (_ channel: Int, _ sums: UnsafeBufferPointer<Int32>, _ codes: UnsafeMutablePointer<UInt8>) -> Void
/// Writes a value for each accumulator of an output channel.
typealias Dequantization = @Sendable (_ channel: Int, _ sums: UnsafeBufferPointer<Int32>, _ values: UnsafeMutablePointer<Float>) -> Void
/// Writes a code for each pair of codes; `b` has as many as `a`.
typealias Combination = @Sendable (_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafePointer<UInt8>, _ codes: UnsafeMutablePointer<UInt8>) -> Void
/// The code of a mean.
typealias Average = @Sendable (_ sum: Int) -> UInt8
/// Writes a code for each accumulator of an output channel and code of the tensor it is added to.
typealias Residual =
  @Sendable (
    _ channel: Int, _ sums: UnsafeBufferPointer<Int32>, _ skip: UnsafePointer<UInt8>, _ codes: UnsafeMutablePointer<UInt8>
  ) -> Void

/// What a layer's accumulators Σ (q_x − z_x) · q_w are worth.
struct ProductScales: Sendable {
  /// Whether a matrix product makes them, not a convolution: OpenVINO's kernels differ.
  var isLinear: Bool
  /// Scale of the input.
  var input: Float
  /// Scales of the weight: one, or one an output channel.
  var weights: [Float]
  /// Codes of the bias, one an output channel, at the scale of the accumulator.
  var bias: [Int32]?

  /// The value of one accumulator step, S = f(s_x · s_w).
  func scale(_ channel: Int) -> Float { input * weights[channel % weights.count] }

  /// The bias of a channel, in accumulator steps.
  func bias(_ channel: Int) -> Int32 { bias?[channel] ?? 0 }
}

/// A batch norm's constants, one of each a channel.
struct NormalizationValues: Sendable {
  var gamma, beta, mean, variance: [Float]
  var epsilon: Float
}
