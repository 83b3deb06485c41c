import Foundation

extension RandomKey {
  /// Random number `index` of the standard normal distribution (mean 0, variance 1), by Box and Muller's formula √(−2 ln u)·cos 2πv, in double precision.
  /// Made of words 2·`index` and 2·`index` + 1. Never beyond ±6.7.
  ///
  /// Reference: "A Note on the Generation of Random Normal Deviates", G. E. P. Box and M. E. Muller, 1958.
  public func normal(at index: Int) -> Double {
    let four = words(block: UInt32(index >> 1))
    let (first, second) = index & 1 == 0 ? (four[0], four[1]) : (four[2], four[3])
    let u = (Double(first) + 1) * 0x1p-32  // in (0, 1], so that the logarithm is finite
    let v = Double(second) * 0x1p-32
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }
}
