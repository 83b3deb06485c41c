/// Something that must be the same on every rank, in words that a user understands.
public struct SharedValue: Sendable, Hashable, Codable {
  /// What a difference means.
  public enum Weight: String, Sendable, Hashable, Codable {
    /// The ranks run different programs: nothing else of them compares.
    case decisive
    /// The ranks cannot work together.
    case required
    /// They can, but not as well; the user is warned.
    case advised
  }

  /// What it is, as in "the configuration".
  public var name: String
  /// What this rank has.
  public var value: String
  /// Its parts by name, where it has any: a difference then names the parts instead of the whole.
  public var parts: [String: String]
  /// What a difference means.
  public var weight: Weight
  /// What to do about a difference.
  public var remedy: String

  /// What helps against most differences.
  public static let usualRemedy = "Give every node the same files and the same command"

  /// A value.
  /// - Parameters:
  ///   - name: what it is, as in "the configuration".
  ///   - value: what this rank has.
  ///   - parts: its parts by name, to be named when they differ.
  ///   - weight: what a difference means.
  ///   - remedy: what to do about a difference.
  public init(
    _ name: String, _ value: String, parts: [String: String] = [:], weight: Weight = .required, remedy: String = SharedValue.usualRemedy
  ) {
    self.name = name
    self.value = value
    self.parts = parts
    self.weight = weight
    self.remedy = remedy
  }
}

/// What a rank says at a place where all ranks agree on how to go on.
struct Statement: Codable, Hashable {
  /// What ended this rank, nil when all is well.
  struct Failure: Codable, Hashable {
    var exitCode: Int32
    var message: String
  }

  var node: String
  var failure: Failure?
  var values: [SharedValue] = []

  /// What all ranks exchange first: 32 bytes, whatever there is to say. Ranks with the same record and no failure agree, and need no words.
  var record: [UInt8] {
    var digest = Fingerprint()
    for value in values {
      let parts = value.parts.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
      for text in [value.name, value.value, value.weight.rawValue] + parts { digest.feed(text) }
    }
    func bytes(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    return Array("QAT agrees 1    ".utf8) + bytes(failure == nil ? 0 : 1) + bytes(digest.value)
  }
}
