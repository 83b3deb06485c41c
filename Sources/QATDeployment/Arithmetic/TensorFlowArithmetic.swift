import CVectorKernels
import QATLowering

/// TensorFlow's CPU kernels, which compute on floats and round by FakeQuantWithMinMaxVars: ties go up. With f(·) one float32 rounding:
///
/// - a quantizer of scale s and zero point z: floor(f(f(f(f(v − lowest) / s) − z) + ½)) + z with lowest = f(−z · s); a code stands for f((q − z) · s)
/// - layers: v = f(f(acc · S) + f(B · S)), which is also a float result
/// - sums and products: of the two floats, rounded once
/// - means of n: f(f(Σ (q − z_x) · s_x) / n)
///
/// TensorFlow adds up a layer's and a mean's floats one by one, in an order of its own. Where float32 holds all partial sums, as with scales that are powers of two, that
/// is the same; elsewhere v may be some units in the last place away, and the code of a value beside a tie another.
///
/// Source: measured on TensorFlow 2.21 until no code beside a tie differed.
struct TensorFlowArithmetic: RuntimeArithmetic {
  func quantization(to codes: ActivationCodes) -> Quantization {
    let quantizer = Self.quantizer(codes)
    return { values, result in qat_tensorflow_quantize(values.baseAddress, values.count, quantizer, result) }
  }

  func requantization(of product: ProductScales, to codes: ActivationCodes) -> Requantization {
    let quantizer = Self.quantizer(codes)
    return { channel, sums, result in
      let scale = product.scale(channel)
      qat_tensorflow_requantize(sums.baseAddress, sums.count, scale, Float(product.bias(channel)) * scale, quantizer, result)
    }
  }

  func dequantization(of product: ProductScales) -> Dequantization {
    { channel, sums, result in
      let scale = product.scale(channel)
      qat_dequantize(sums.baseAddress, sums.count, scale, Float(product.bias(channel)) * scale, result)
    }
  }

  func addition(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination? {
    let quantizer = Self.quantizer(codes)
    let (valuesA, valuesB) = (Self.values(a), Self.values(b))
    return { a, b, result in qat_tensorflow_add(a.baseAddress, valuesA, b, valuesB, a.count, quantizer, result) }
  }

  func multiplication(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination? {
    let quantizer = Self.quantizer(codes)
    let (valuesA, valuesB) = (Self.values(a), Self.values(b))
    return { a, b, result in qat_tensorflow_multiply(a.baseAddress, valuesA, b, valuesB, a.count, quantizer, result) }
  }

  func average(of input: ActivationCodes, count: Int, to codes: ActivationCodes) -> Average {
    let quantize = quantization(to: codes)
    let shift = input.zeroPoint * count
    return { sum in
      var code: UInt8 = 0
      withUnsafePointer(to: Float(sum - shift) * input.scale / Float(count)) { quantize(UnsafeBufferPointer(start: $0, count: 1), &code) }
      return code
    }
  }

  /// A batch norm between codes is a layer of floats.
  func normalization(_ norm: NormalizationValues, of input: ActivationCodes, to codes: ActivationCodes) -> [[UInt8]]? { nil }

  /// A sum is a kernel of its own.
  func residual(of product: ProductScales, branch: ActivationCodes, skip: ActivationCodes, to codes: ActivationCodes) -> Residual? { nil }

  private static func quantizer(_ codes: ActivationCodes) -> qat_tensorflow_quantizer {
    qat_tensorflow_quantizer(scale: codes.scale, lowest: -Float(codes.zeroPoint) * codes.scale, range: codes.cRange)
  }

  /// The values for which the codes stand.
  private static func values(_ codes: ActivationCodes) -> [Float] { (0...255).map { Float($0 - codes.zeroPoint) * codes.scale } }
}
