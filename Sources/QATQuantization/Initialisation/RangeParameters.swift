import QATTensor

extension QuantizerSpecification {
  /// The specification with its sign decided by data, and the parameters of a range. Source: NNCF 2.14, reference of quantizer ranges.
  ///
  /// Symmetric: signed if any minimum is negative, unless forced; scale = max(|minimum|, |maximum|), at least 0.1. Asymmetric: a range narrower than a
  /// hundredth of the widest channel's is widened to that on both sides. Logarithmic quantizers get the logarithm of scale or range.
  /// - Returns: the specification, and a tensor of `parameterShape` for each of its parameters, in their order.
  func initialized(from extremes: Extremes) -> (specification: QuantizerSpecification, parameters: [Tensor]) {
    var result = self
    switch mode {
    case .symmetric:
      result.signed = forcedSign ?? extremes.minimum.contains { $0 < 0 }
      let scale = zip(extremes.minimum, extremes.maximum).map { raw(max(max(abs($0), abs($1)), 0.1)) }
      return (result, [Tensor(scale, shape: parameterShape)])
    case .asymmetric:
      let ranges = zip(extremes.minimum, extremes.maximum).map { $1 - $0 }
      let widest = ranges.max() ?? 0
      let floor = 0.01 * widest
      let corrections = ranges.map { (min(max($0, floor), widest) - $0) / 2 }
      let low = zip(extremes.minimum, corrections).map { Float($0 - $1) }
      let range = zip(ranges, corrections).map { raw($0 + 2 * $1) }
      return (result, [Tensor(low, shape: parameterShape), Tensor(range, shape: parameterShape)])
    }
  }
}
