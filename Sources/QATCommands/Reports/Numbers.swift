import Foundation

/// Numbers as the reports show them, independent of the locale.
enum Numbers {
  /// A fraction as a percentage with two digits.
  static func percent(_ fraction: Double) -> String { fixed(100 * fraction, 2) + " %" }

  /// A count with a space between groups of three digits.
  static func grouped(_ count: Int) -> String {
    var result = ""
    for (index, digit) in String(abs(count)).reversed().enumerated() {
      if index > 0, index % 3 == 0 { result.append(" ") }
      result.append(digit)
    }
    return (count < 0 ? "-" : "") + String(result.reversed())
  }

  /// A count with its noun: "1 rank", "2 ranks".
  static func counted(_ count: Int, _ noun: String) -> String { "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")" }

  /// Bytes in the largest unit that leaves a number above 1.
  static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024, unit + 1 < units.count {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(fixed(value, 1)) \(units[unit])"
  }

  /// Seconds, or minutes and seconds, or hours and minutes.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let total = Int(seconds.rounded())
    if seconds < 60 { return "\(fixed(seconds, 1)) s" }
    return total < 3600 ? "\(total / 60) min \(total % 60) s" : "\(total / 3600) h \(total / 60 % 60) min"
  }

  /// A number with its sign, also a plus.
  static func signed(_ value: Double, _ digits: Int) -> String { (value < 0 ? "−" : "+") + fixed(abs(value), digits) }

  /// A number with four significant digits.
  static func short(_ value: Double) -> String { String(format: "%.4g", locale: Locale(identifier: "en_US_POSIX"), value) }

  /// A ratio in decibels with one digit; "∞" for infinite ones.
  static func decibels(_ value: Double) -> String { value.isFinite ? fixed(value, 1) : value > 0 ? "∞" : "–" }

  /// A number with a fixed count of digits behind the point.
  static func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", locale: Locale(identifier: "en_US_POSIX"), value) }
}
