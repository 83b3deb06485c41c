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

  /// Units by name, those first that are written rather than others of the same length.
  private static let units: [(name: String, byteCount: Int)] = [
    ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
  ]

  /// What is accepted, in capitals.
  private static let factors: [String: Double] = {
    let written = units.map { ($0.name.uppercased(), Double($0.byteCount)) }
    let letters = units.filter { $0.name.hasSuffix("iB") }.map { (String($0.name.prefix(1)), Double($0.byteCount)) }
    return Dictionary(uniqueKeysWithValues: written + letters)
  }()

  /// The amount as the shortest whole number of a unit: reads back as the same.
  public var description: String {
    let texts = Self.units.filter { byteCount % $0.byteCount == 0 }.map { "\(byteCount / $0.byteCount)\($0.name)" }
    return texts.min { $0.count < $1.count } ?? "\(byteCount)B"
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
