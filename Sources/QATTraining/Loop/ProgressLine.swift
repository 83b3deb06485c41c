import Dispatch
import Foundation
import QATCommunication

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the user sees of a run on stderr: one moving line on a terminal, a plain line now and then elsewhere.
final class ProgressLine {
  private let isTerminal: Bool
  private let interval: Double
  private var lastShown: Double
  private var isOpen = false

  /// A line; moving when stderr is a terminal that can.
  init() {
    let environment = ProcessInfo.processInfo.environment
    isTerminal = isatty(2) == 1 && environment["TERM"] != "dumb" && environment["NO_COLOR"] == nil
    interval = isTerminal ? 0.25 : 10
    lastShown = Self.now
  }

  /// Seconds on a clock that does not jump.
  static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

  /// Shows the text if it is time to. The text is made only then.
  func update(_ text: () -> String) {
    let now = Self.now
    guard now - lastShown >= interval else { return }
    lastShown = now
    if isTerminal {
      // Back to the line's beginning, the text, and clear what was longer before.
      writeToStandardError("\r\(text())\u{1B}[K")
      isOpen = true
    } else {
      writeToStandardError(text() + "\n")
    }
  }

  /// Shows a line that stays.
  func note(_ text: String) {
    writeToStandardError((isOpen ? "\r\u{1B}[K" : "") + text + "\n")
    isOpen = false
  }

  /// Three significant digits.
  static func short(_ number: Double) -> String { String(format: "%.3g", number) }

  /// Minutes and seconds, or hours, minutes and seconds.
  static func duration(_ seconds: Double) -> String {
    let total = seconds.isFinite ? max(0, Int(seconds.rounded())) : 0
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
  }
}
