import Foundation
import QAT

extension RunReport {
  /// The report of a run from what is in its folder.
  /// - Parameters:
  ///   - directory: the run's folder.
  ///   - title: the network's name.
  ///   - facts: what there is to know of its quantized network; nil for an fp32 run.
  /// - Throws: `TrainingError` when the folder holds no run that can be read.
  init(of directory: CheckpointDirectory, title: String, facts: NetworkFacts?) throws {
    self.init(
      title: title, record: try directory.record(), history: try MetricsHistory(contentsOf: directory.metricsPath),
      results: try directory.results() ?? RunResults(), floatBytes: LoadedModel.size(ofFile: directory.modelPath), facts: facts)
  }

  /// Writes the page.
  /// - Throws: `CommandError` when it cannot be written.
  func write(to path: String) throws(CommandError) {
    do throws(FileError) {
      try replaceFiles([(path, Data(html.utf8))])
    } catch {
      throw CommandError(.storage, "the report '\(path)' cannot be written: \(error.cause)")
    }
  }
}

extension CheckpointDirectory {
  /// Where a run's report is written.
  var reportPath: String { "\(path)/report.html" }
}

extension RunResults.Timing {
  /// The times of a run, and those of rank 0 by kind of work.
  init(_ result: TrainingResult) {
    let phases = WorkPhase.allCases.map { ($0.words, $0.seconds) }.filter { $0.1 > 0 }
    self.init(
      seconds: result.seconds, stepSeconds: result.stepSeconds, exposedCommunicationSeconds: result.exposedCommunicationSeconds,
      imagesPerSecond: result.imagesPerSecond, phases: Dictionary(phases, uniquingKeysWith: { first, _ in first }))
  }
}

extension RunResults {
  /// What `qat train --json` shows.
  func json(run: String, report: String?) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init(
        "networks",
        .array(
          networks.map { network in
            .object(
              [.init("name", .string(network.name))]
                + network.metrics.sorted { $0.key < $1.key }.map { .init($0.key, $0.key == "count" ? .integer(Int($0.value)) : .number($0.value)) })
          })), .init("steps", .integer(steps)), .init("ranks", .integer(ranks)),
    ]
    if let timing {
      members += [
        .init("seconds", .number(timing.seconds)), .init("step_seconds", .number(timing.stepSeconds)),
        .init("exposed_communication_seconds", .number(timing.exposedCommunicationSeconds)),
        .init("images_per_second", .number(timing.imagesPerSecond)),
      ]
    }
    members += [
      .init("files", .array(files.map { ["path": .string($0.path), "bytes": .integer($0.bytes)] })), .init("run", .string(run)),
      .init("report", report.map { .string($0) } ?? .null),
    ]
    return .object(members)
  }
}

extension Graph {
  /// Another network with the values of this one, where both have a constant of that name.
  func values(in other: Graph) -> Graph {
    var result = other
    for name in other.constants.keys { if let constant = constants[name] { result.constants[name] = constant } }
    return result
  }
}
