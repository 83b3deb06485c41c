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
final class ProgressLine: TrainingCallback {
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

  /// Shows where the run stands, if it is time to.
  func stepEnded(_ report: StepReport, _ trainer: Trainer) {
    update {
      let left = Double(trainer.totalSteps - report.step) * Double(trainer.globalBatchSize) / max(report.imagesPerSecond, 1e-9)
      let distillation = report.distillation.map { "  distillation \(Self.fixed($0, 4))" } ?? ""
      let top1 = report.top1.map { "  top-1 \(Self.fixed(100 * $0, 1)) %" } ?? ""
      return
        "epoch \(report.epoch + 1)/\(trainer.task.configuration.epochs)  step \(report.step)/\(trainer.totalSteps)  loss \(Self.fixed(report.loss, 4))"
        + "\(distillation)\(top1)  rate \(Self.short(report.rate))  \(Int(report.imagesPerSecond)) images/s  \(Self.duration(left)) left"
    }
  }

  /// Shows what was found.
  func evaluated(_ report: EvaluationReport, _ trainer: Trainer) {
    let figures = report.evaluation.figures.map { "\($0.title) \($0.isFraction ? Self.fixed(100 * $0.value, 2) + " %" : Self.fixed($0.value, 4))" }
    noted("epoch \(report.epoch + 1)/\(report.epochs) done: validation \(figures.joined(separator: ", "))")
  }

  /// Shows the text if it is time to. The text is made only then.
  private func update(_ text: () -> String) {
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
  func noted(_ message: String) {
    writeToStandardError((isOpen ? "\r\u{1B}[K" : "") + message + "\n")
    isOpen = false
  }

  /// A number with a fixed count of digits after the point.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    let factor = [1.0, 10, 100, 1000, 10000][digits]
    let scaled = Int((abs(value) * factor).rounded())
    let whole = "\(scaled / Int(factor))"
    let fraction = "\(scaled % Int(factor))"
    let padded = String(repeating: "0", count: digits - min(digits, fraction.count)) + fraction
    return (value < 0 ? "-" : "") + (digits == 0 ? whole : "\(whole).\(padded)")
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
