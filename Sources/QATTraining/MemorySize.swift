import QATJSON

/// An amount of memory, as people write it: `2GiB`, `1.5G`, `800MB`. K, M, G, T and KiB, MiB, GiB, TiB are powers of 1024; KB, MB, GB, TB of 1000; B is one byte.
public struct MemorySize: Sendable, Hashable, CustomStringConvertible {
  /// The amount in bytes.
  public let byteCount: Int

  /// An amount in bytes.
  public init(byteCount: Int) { self.byteCount = byteCount }

  /// Reads an amount; nil where the text is none, has no unit, or is less than a byte or more than 2^53.
  public init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text[digits.endIndex...].drop { $0 == " " }.uppercased()
    guard let factor = Self.factors[unit], digits.count <= 20, digits.first != ".", digits.last != ".", let number = Double(digits) else {
      return nil
    }
    let bytes = (number * factor).rounded()
    guard bytes >= 1, bytes <= 0x1p53 else { return nil }
    byteCount = Int(bytes)
  }

  private static let factors: [String: Double] = {
    var factors = ["B": 1.0]
    for (power, letter) in ["K", "M", "G", "T"].enumerated() {
      let binary = (0...power).reduce(1.0) { factor, _ in factor * 1024 }
      factors[letter] = binary
      factors[letter + "IB"] = binary
      factors[letter + "B"] = (0...power).reduce(1.0) { factor, _ in factor * 1000 }
    }
    return factors
  }()

  /// The amount in the largest unit of which it is a whole number: reads back as the same.
  public var description: String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var (count, unit) = (byteCount, 0)
    while count > 0, count % 1024 == 0, unit + 1 < units.count { (count, unit) = (count / 1024, unit + 1) }
    return "\(count)\(units[unit])"
  }

  /// The amount in whole MiB, rounded up, as a limit that is enough for it is written.
  public var roundedUp: MemorySize { MemorySize(byteCount: (byteCount + 0xf_ffff) & ~0xf_ffff) }
}

extension ValueRule where Value == MemorySize {
  /// A text with a unit.
  static let memorySize = ValueRule(
    expecting: "an amount of memory with its unit, such as \"2GiB\" or \"800MB\"", from: { $0.string.flatMap(MemorySize.init) },
    write: { .string($0.description) })
}
