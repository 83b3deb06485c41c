import CTrainingSupport
import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `metrics.jsonl`: one line a step, one an evaluation. A step's line is written without allocating.
final class MetricsLog: TrainingCallback {
  private let descriptor: Int32
  private let line = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 512)

  /// Opens the log for appending, without the lines of steps after `step`, which a resumed run does again.
  /// - Throws: `TrainingError` when the file cannot be written.
  init(path: String, resumingAfter step: Int) throws {
    if FileSystem.exists(path) {
      let lines = String(decoding: try FileSystem.read(path), as: UTF8.self).split(separator: "\n")
      let kept = lines.filter { line in
        guard let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)) else { return false }
        return entry.step <= step
      }
      try FileSystem.replace(path, with: Array(kept.map { $0 + "\n" }.joined().utf8))
    }
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    guard descriptor >= 0 else { throw TrainingError(.storage, "cannot write \(path): \(String(cString: strerror(errno)))") }
  }

  deinit {
    close(descriptor)
    line.deallocate()
  }

  private struct Entry: Decodable { var step: Int }

  /// Notes a step. What is nil is left out.
  func stepEnded(_ report: StepReport, _ trainer: Trainer) {
    guard let base = line.baseAddress else { return }
    let count = qat_metrics_line(
      base, line.count, Int64(report.step), Int64(report.epoch), report.loss, report.distillation ?? 0, report.distillation == nil ? 0 : 1,
      report.rate,
      report.top1 ?? 0, report.top1 == nil ? 0 : 1, report.imagesPerSecond, report.seconds, report.exposedSeconds)
    // A log that cannot be written must not end a training that goes well.
    _ = write(descriptor, base, count)
  }

  /// Notes an evaluation.
  func evaluated(_ report: EvaluationReport, _ trainer: Trainer) {
    struct Line: Encodable {
      var step: Int
      var epoch: Int
      var validation: Evaluation
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard var data = try? encoder.encode(Line(step: report.step, epoch: report.epoch, validation: report.evaluation)) else { return }
    data.append(10)
    data.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
  }
}
