import Foundation
import QATCommunication
import QATFiles
import QATJSON
import QATQuantization

/// Logs the statistics of quantization when training begins and after each epoch. As NNCF's callback of this name.
///
/// `compression_statistics.jsonl` in the log folder gets one line each time: `epoch` (−1 before the first), `step`, `statistics`. The tables of the beginning are shown on stderr.
public final class StatisticsCallback: TrainingCallback {
  private let controller: CompressionController
  private let path: String
  private let showsTables: Bool
  private var lines: [String] = []

  /// Logs of a controller.
  /// - Parameters:
  ///   - controller: whose statistics.
  ///   - logDirectory: the log folder; made when it is missing.
  ///   - showsTables: whether the statistics at the beginning are shown on stderr.
  public init(_ controller: CompressionController, logDirectory: String, showsTables: Bool = true) {
    self.controller = controller
    path = "\(logDirectory)/compression_statistics.jsonl"
    self.showsTables = showsTables
  }

  /// Logs the statistics.
  /// - Throws: `FileError` when the log cannot be written.
  public func trainingBegan(_ trainer: Trainer) throws {
    guard trainer.communicator.isRoot else { return }
    if showsTables { writeToStandardError("\(controller.statistics())\n") }
    // A run that goes on keeps the lines of the epochs that it does not do again.
    let written = trainer.step > 0 ? (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" : ""
    lines = written.split(separator: "\n").map(String.init).filter { line in
      guard let step = try? JSONDocument.parse(line, file: path).root["step"]?.number?.integer else { return false }
      return step < trainer.step
    }
    try note(epoch: trainer.position.epoch - 1, step: trainer.step)
  }

  /// Logs the statistics.
  /// - Throws: `FileError` when the log cannot be written.
  public func epochEnded(_ report: EpochReport, _ trainer: Trainer) throws {
    guard trainer.communicator.isRoot else { return }
    try note(epoch: report.epoch, step: report.step)
  }

  private func note(epoch: Int, step: Int) throws(FileError) {
    let line: JSONValue = ["epoch": .integer(epoch), "step": .integer(step), "statistics": controller.statistics().json]
    lines.append(line.text(.oneLine))
    try DurableFile.makeFolder(DurableFile.folder(of: path))
    try replaceFiles([(path, Data((lines.joined(separator: "\n") + "\n").utf8))])
  }
}
