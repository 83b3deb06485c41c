import CVectorKernels
import QATLowering

/// ONNX Runtime's CPU kernels. With f(·) one float32 rounding and rint half to even:
///
/// - floats: rint(f(x / s)) + z
/// - layers: rint(f(float(acc + B) · m)) + z with m = f(S / s_y), S = f(s_x · s_w); a float result is f(float(acc + B) · S)
/// - sums: rint(fma(a, r_a, fma(b, r_b, fix))) with r_a = f(s_a / s_y), r_b = f(s_b / s_y), fix = f(z_y − fma(r_a, z_a, f(r_b · z_b))): zero points inside
/// - products: rint(f(float((a − z_a)(b − z_b)) · f(f(s_a · s_b) / s_y))) + z
/// - means of n: rint(f(float(Σ (q − z_x)) · f(s_x / f(s_y · n)))) + z
/// - batch norms: floats, f(f(x · γ′) + f(β − f(μ · γ′))) with γ′ = f(γ · f(1 / f(√f(σ² + ε))))
struct ONNXRuntimeArithmetic: RuntimeArithmetic {
  func quantization(to codes: ActivationCodes) -> Quantization {
    let range = codes.cRange
    return { values, result in qat_onnxruntime_quantize(values.baseAddress, values.count, codes.scale, range, result) }
  }

  func requantization(of product: ProductScales, to codes: ActivationCodes) -> Requantization {
    let range = codes.cRange
    return { channel, sums, result in
      qat_onnxruntime_requantize(sums.baseAddress, sums.count, product.bias(channel), product.scale(channel) / codes.scale, range, result)
    }
  }

  func dequantization(of product: ProductScales) -> Dequantization {
    { channel, sums, result in
      qat_onnxruntime_dequantize(sums.baseAddress, sums.count, product.bias(channel), product.scale(channel), result)
    }
  }

  func addition(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination? {
    let range = codes.cRange
    let (factorA, factorB) = (a.scale / codes.scale, b.scale / codes.scale)
    let shift = Float(codes.zeroPoint) - (factorB * Float(b.zeroPoint)).addingProduct(factorA, Float(a.zeroPoint))
    return { a, b, result in qat_onnxruntime_add(a.baseAddress, b, a.count, factorA, factorB, shift, range, result) }
  }

  func multiplication(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination? {
    let range = codes.cRange
    let (zeroA, zeroB) = (Int32(a.zeroPoint), Int32(b.zeroPoint))
    let factor = a.scale * b.scale / codes.scale
    return { a, b, result in qat_onnxruntime_multiply(a.baseAddress, zeroA, b, zeroB, a.count, factor, range, result) }
  }

  func average(of input: ActivationCodes, count: Int, to codes: ActivationCodes) -> Average {
    let factor = input.scale / (codes.scale * Float(count))
    let shift = input.zeroPoint * count
    return { sum in codes.kept((Float(sum - shift) * factor).rounded(.toNearestOrEven) + Float(codes.zeroPoint)) }
  }

  func normalization(_ norm: NormalizationValues, of input: ActivationCodes, to codes: ActivationCodes) -> [[UInt8]]? {
    let quantize = quantization(to: codes)
    return norm.gamma.indices.map { channel in
      let factor = norm.gamma[channel] * (1 / (norm.variance[channel] + norm.epsilon).squareRoot())
      let offset = norm.beta[channel] - norm.mean[channel] * factor
      let values = (0...255).map { Float($0 - input.zeroPoint) * input.scale * factor + offset }
      return [UInt8](unsafeUninitializedCapacity: values.count) { table, count in
        count = values.count
        if let base = table.baseAddress { values.withUnsafeBufferPointer { quantize($0, base) } }
      }
    }
  }

  /// A sum is a kernel of its own.
  func residual(of product: ProductScales, branch: ActivationCodes, skip: ActivationCodes, to codes: ActivationCodes) -> Residual? { nil }
}

extension ActivationCodes {
  /// The codes in use, for the loops in C.
  var cRange: qat_code_range { qat_code_range(zero: Float(zeroPoint), low: Float(range.lowerBound), high: Float(range.upperBound)) }

  /// A code kept to those in use.
  func kept(_ code: Float) -> UInt8 { UInt8(Swift.min(Swift.max(code, Float(range.lowerBound)), Float(range.upperBound))) }
}
