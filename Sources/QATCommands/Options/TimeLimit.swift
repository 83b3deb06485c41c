import ArgumentParser

/// A span of time as people and batch systems write it: `90s`, `55m`, `4h`, `2d`, `1h30m`, and Slurm's `HH:MM:SS`, `MM:SS`, `D-HH`, `D-HH:MM`, `D-HH:MM:SS`.
struct TimeLimit: ExpressibleByArgument, Equatable {
  let seconds: Int
  /// As it was written.
  let text: String

  init?(argument: String) {
    guard let seconds = Self.withUnits(argument) ?? Self.asClock(argument), seconds > 0 else { return nil }
    self.seconds = seconds
    text = argument
  }

  /// `1h30m`: each unit at most once, the largest first. A number without its unit would be minutes to one reader and seconds to another.
  private static func withUnits(_ text: String) -> Int? {
    var units: [(name: Character, seconds: Int)] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
    var (total, digits) = (0, "")
    for character in text {
      if character.isASCII, character.isNumber {
        digits.append(character)
        continue
      }
      guard let unit = units.firstIndex(where: { $0.name == character }), let count = number(digits) else { return nil }
      total += count * units[unit].seconds
      units.removeFirst(unit + 1)
      digits = ""
    }
    return digits.isEmpty ? total : nil
  }

  private static func asClock(_ text: String) -> Int? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard let clock = parts.last, parts.count <= 2 else { return nil }
    let days = parts.count == 2 ? number(parts[0]) : 0
    let fields = clock.split(separator: ":", omittingEmptySubsequences: false).map { number($0) }
    guard let days, !fields.contains(nil), parts.count == 2 ? fields.count <= 3 : (2...3).contains(fields.count) else { return nil }
    let values = fields.compactMap { $0 }
    // After days the first field is hours; without them, two fields are minutes and seconds.
    let weights = parts.count == 2 || fields.count == 3 ? [3600, 60, 1] : [60, 1]
    return zip(values, weights).reduce(days * 86400) { $0 + $1.0 * $1.1 }
  }

  /// At most seven digits: no sum overflows.
  private static func number(_ digits: some StringProtocol) -> Int? {
    digits.count <= 7 && digits.allSatisfy { $0.isASCII && $0.isNumber } ? Int(digits) : nil
  }
}
