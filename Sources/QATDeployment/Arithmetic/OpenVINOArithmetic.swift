import CVectorKernels
import QATLowering

/// OpenVINO's CPU plugin. With f(·) one float32 rounding and rint half to even, a quantizer of scale s and zero point z has
///
/// il = f(−z · s), ih = f((255 − z) · s), isc = f(255 / f(ih − il)), ish = f(f(−il · 255) / f(ih − il)):
///
/// - floats: rint(fma(x, isc, ish))
/// - convolutions: v = f(f(acc · S) + f(B · S)), then rint(f(v · f(1 / f(1 / isc)))) for z = 0 and rint(fma(v, isc, ish)) otherwise; v itself as a float result
/// - convolutions without a bias: il and ih are divided by S of each channel, k = f(255 / f(ih − il)); rint(f(f(acc · k) + ish)) with ish of the first channel
/// - linear layers: rint(f(f(acc · f(S · isc)) + f(f(f(B · S) · isc) + ish))); a float result as that of a convolution
/// - means: f(Σ q / n), quantized by il, ih divided by s_x
/// - a convolution whose result is added to codes p: t = fma(code, osc, ol), then f(t + p), quantized by il, ih divided by s_p. Here the branch's codes are
///   expressed in units of the skip connection: k = f(s_b / s_p), z' = f(z_b + f(f(z_p · s_p) / s_b)), ol = f(−z' · k), oh = f(f(255 − z') · k),
///   osc = f(f(oh − ol) / 255)
/// - batch norms of codes, with γ′ = f(γ / f(√f(σ² + ε))), k = f(s_x · γ′) and b = f(f(f(−μ · γ′) + β) / k): where no k is negative, il and ih become
///   f(f(il / k) − b) and f(f(ih / k) − b), and a code q becomes rint(fma(q, isc, f(ish − f(z_x · isc)))); otherwise, behind a zero point, it becomes
///   rint(fma(f((q − z_x) + b), f(k · isc), ish))
struct OpenVINOArithmetic: RuntimeArithmetic {
  func quantization(to codes: ActivationCodes) -> Quantization {
    let quantizer = Quantizer(codes).cQuantizer(codes, isFromFloat: true)
    return { values, result in qat_openvino_quantize(values.baseAddress, values.count, quantizer, result) }
  }

  func requantization(of product: ProductScales, to codes: ActivationCodes) -> Requantization {
    let (affine, quantizer) = rounding(of: product, to: codes)
    return { channel, sums, result in
      let (scale, bias) = affine(channel)
      qat_openvino_requantize(sums.baseAddress, sums.count, scale, bias, quantizer, result)
    }
  }

  /// How accumulators become codes: what each is multiplied by and what is added, and the quantizer behind.
  private func rounding(
    of product: ProductScales, to codes: ActivationCodes
  ) -> (affine: @Sendable (_ channel: Int) -> (scale: Float, bias: Float), quantizer: qat_openvino_quantizer) {
    let bounds = Quantizer(codes)
    // What rounds numbers that are codes already.
    let identity = qat_openvino_quantizer(scale: 1, shift: 0, has_shift: 0, low: Float(codes.range.lowerBound), high: Float(codes.range.upperBound))
    if product.isLinear {
      let affine: @Sendable (Int) -> (Float, Float) = { channel in
        let scale = product.scale(channel)
        return (scale * bounds.scale, Float(product.bias(channel)) * scale * bounds.scale + bounds.shift)
      }
      return (affine, identity)
    }
    guard let bias = product.bias, bias.contains(where: { $0 != 0 }) else {
      let shift = bounds.divided(by: product.scale(0)).shift
      return ({ (bounds.divided(by: product.scale($0)).scale, shift) }, identity)
    }
    return ({ (product.scale($0), Float(bias[$0]) * product.scale($0)) }, bounds.cQuantizer(codes))
  }

  func dequantization(of product: ProductScales) -> Dequantization {
    { channel, sums, result in
      let scale = product.scale(channel)
      qat_dequantize(sums.baseAddress, sums.count, scale, Float(product.bias(channel)) * scale, result)
    }
  }

  func addition(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination? { nil }

  func multiplication(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination? { nil }

  func average(of input: ActivationCodes, count: Int, to codes: ActivationCodes) -> Average {
    let quantizer = Quantizer(codes).divided(by: input.scale)
    let shift = input.zeroPoint * count
    return { sum in
      let mean = Float(sum - shift) / Float(count)
      return codes.kept(quantizer.shift.addingProduct(mean, quantizer.scale).rounded(.toNearestOrEven))
    }
  }

  func normalization(_ norm: NormalizationValues, of input: ActivationCodes, to codes: ActivationCodes) -> [[UInt8]]? {
    let quantizer = Quantizer(codes)
    let zero = Float(input.zeroPoint)
    let factors = zip(norm.gamma, norm.variance).map { $0 / ($1 + norm.epsilon).squareRoot() }
    let steps = factors.map { input.scale * $0 }
    let isFolded = steps.allSatisfy { $0 > 0 }
    guard isFolded || zero != 0 && steps.allSatisfy({ $0 != 0 }) else { return nil }
    return steps.indices.map { channel in
      let step = steps[channel]
      let offset = (-norm.mean[channel] * factors[channel] + norm.beta[channel]) / step
      var moved = quantizer.divided(by: step)
      moved.low -= offset
      moved.high -= offset
      return (0...255).map { code in
        let value =
          isFolded
          ? (moved.shift - zero * moved.scale).addingProduct(Float(code), moved.scale)
          : quantizer.shift.addingProduct(Float(code) - zero + offset, step * quantizer.scale)
        return codes.kept(value.rounded(.toNearestOrEven))
      }
    }
  }

  func residual(of product: ProductScales, branch: ActivationCodes, skip: ActivationCodes, to codes: ActivationCodes) -> Residual? {
    let (affine, first) = rounding(of: product, to: branch)
    let ratio = branch.scale / skip.scale
    let zero = Float(branch.zeroPoint) + Float(skip.zeroPoint) * skip.scale / branch.scale
    let low = (0 - zero) * ratio
    let step = ((255 - zero) * ratio - low) / 255
    let last = Quantizer(codes).divided(by: skip.scale).cQuantizer(codes)
    return { channel, sums, skip, result in
      let (scale, bias) = affine(channel)
      qat_openvino_add(sums.baseAddress, skip, sums.count, scale, bias, first, step, low, last, result)
    }
  }

  /// The bounds il and ih of a quantizer of 256 levels.
  private struct Quantizer {
    var low, high: Float

    init(_ codes: ActivationCodes) {
      low = Float(-codes.zeroPoint) * codes.scale
      high = Float(255 - codes.zeroPoint) * codes.scale
    }

    /// isc.
    var scale: Float { 255 / (high - low) }
    /// ish.
    var shift: Float { -low * 255 / (high - low) }

    func divided(by scale: Float) -> Quantizer {
      var result = self
      result.low /= scale
      result.high /= scale
      return result
    }

    func cQuantizer(_ codes: ActivationCodes, isFromFloat: Bool = false) -> qat_openvino_quantizer {
      let hasShift = codes.zeroPoint != 0 || isFromFloat
      return qat_openvino_quantizer(
        scale: hasShift ? scale : 1 / (1 / scale), shift: hasShift ? shift : 0, has_shift: hasShift ? 1 : 0,
        low: Float(codes.range.lowerBound), high: Float(codes.range.upperBound))
    }
  }
}
