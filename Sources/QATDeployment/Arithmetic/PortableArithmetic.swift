import QATLowering

/// Plain fake quantization of a network whose steps are powers of two, and so what every runtime computes.
///
/// With |acc + B| < 2²⁴ every product, quotient and sum of the formulas below is exact in float32, in whatever order and whether fused or not; only rint, half to even, rounds.
/// Zero-points are even, so that rint(v) + z = rint(v + z). One runtime's loops therefore serve for all.
///
/// - floats: rint(x / s) + z
/// - layers: rint((acc + B) · S / s_y) + z with S = s_x · s_w; a float result is (acc + B) · S
/// - sums: rint(((a − z_a) · s_a + (b − z_b) · s_b) / s_y) + z
/// - products: rint((a − z_a)(b − z_b) · s_a · s_b / s_y) + z
/// - means of n: rint(f(Σ (q − z_x) · s_x / n) / s_y) + z, where the quotient by n alone is rounded to float32
struct PortableArithmetic: RuntimeArithmetic {
  private let exact = ONNXRuntimeArithmetic()

  func quantization(to codes: ActivationCodes) -> Quantization { exact.quantization(to: codes) }

  func requantization(of product: ProductScales, to codes: ActivationCodes) -> Requantization { exact.requantization(of: product, to: codes) }

  func dequantization(of product: ProductScales) -> Dequantization { exact.dequantization(of: product) }

  func addition(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination? { exact.addition(a, b, to: codes) }

  func multiplication(_ a: ActivationCodes, _ b: ActivationCodes, to codes: ActivationCodes) -> Combination? { exact.multiplication(a, b, to: codes) }

  func average(of input: ActivationCodes, count: Int, to codes: ActivationCodes) -> Average {
    let shift = input.zeroPoint * count
    return { sum in
      let mean = Float(sum - shift) * input.scale / Float(count)
      return codes.kept((mean / codes.scale).rounded(.toNearestOrEven) + Float(codes.zeroPoint))
    }
  }

  /// Batch norms that stand alone have factors that are no powers of two: they are computed in floating point.
  func normalization(_ norm: NormalizationValues, of input: ActivationCodes, to codes: ActivationCodes) -> [[UInt8]]? { nil }

  /// A branch is rounded like everything else.
  func residual(of product: ProductScales, branch: ActivationCodes, skip: ActivationCodes, to codes: ActivationCodes) -> Residual? { nil }
}
