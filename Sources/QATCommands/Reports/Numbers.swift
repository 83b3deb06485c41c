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

  /// A number with a fixed count of digits behind the point.
  static func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", locale: Locale(identifier: "en_US_POSIX"), value) }
}
