import ArgumentParser
import QAT

/// `qat checkpoint`.
struct CheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Look at checkpoints, whole or damaged.",
    discussion: """
      A checkpoint is a folder of its own in a run's folder, such as runs/b/step-000000400; runs/b/latest and runs/b/best name one too.

        qat checkpoint ls runs/b
        qat checkpoint diff runs/b/step-000000400 runs/b/best
      """,
    subcommands: [List.self, Verify.self, Show.self, Difference.self])

  /// `qat checkpoint ls`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the checkpoints of a run, newest first.")

    @Argument(help: ArgumentHelp("The run's folder.", valueName: "dir"), completion: .directory)
    var folder: String

    @Flag(help: "One JSON object on stdout.")
    var json = false

    func run() throws {
      try Session.run("checkpoint ls") { session in
        try session.onRoot {
          let list = try CheckpointList(CheckpointDirectory(folder))
          try session.result(json ? list.json.text() : list.text)
        }
        return .done
      }
    }
  }

  /// `qat checkpoint verify`.
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify", abstract: "Check the size and checksum of every file. Ends with 4 when one is not what was written.")

    @Argument(
      help: ArgumentHelp("The folder of a run, whose checkpoints are all checked, or of one of them.", valueName: "dir"), completion: .directory)
    var place: String

    @Flag(help: "One JSON object on stdout.")
    var json = false

    func run() throws {
      try Session.run("checkpoint verify") { session in
        let report = try session.begin { try CheckpointVerification(place) }
        try session.result(json ? report.json.text() : report.text)
        return report.isValid ? .done : .checkpoint
      }
    }
  }

  /// `qat checkpoint show`.
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Show where a run stood, and its tensors. Ends with 4 when something cannot be read.")

    @Argument(help: ArgumentHelp("The folder of a checkpoint, or of a run, for its newest one.", valueName: "dir"), completion: .directory)
    var place: String

    @Flag(help: "One JSON object on stdout.")
    var json = false

    func run() throws {
      try Session.run("checkpoint show") { session in
        let inspection = try session.begin { try CheckpointInspection(checkpointFolder(place)) }
        try session.result(json ? inspection.json.text() : inspection.text)
        return inspection.faults.isEmpty ? .done : .checkpoint
      }
    }
  }

  /// `qat checkpoint diff`.
  struct Difference: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "diff", abstract: "Show in what two checkpoints differ, tensor by tensor. Ends with 4 when one of them cannot be read.")

    @Argument(help: ArgumentHelp("The folder of a checkpoint, or of a run, for its newest one.", valueName: "dir"), completion: .directory)
    var first: String

    @Argument(help: ArgumentHelp("The other one.", valueName: "dir"), completion: .directory)
    var second: String

    @Flag(help: "One JSON object on stdout.")
    var json = false

    func run() throws {
      try Session.run("checkpoint diff") { session in
        let difference = try session.begin {
          CheckpointDifference(CheckpointInspection(try checkpointFolder(first)), CheckpointInspection(try checkpointFolder(second)))
        }
        try session.result(json ? difference.json.text() : difference.text)
        return difference.faults.isEmpty ? .done : .checkpoint
      }
    }
  }
}

/// The folder of the checkpoint that a path names: a checkpoint's own, valid or not, or the newest of a run.
private func checkpointFolder(_ place: String) throws -> String {
  guard let folder = CheckpointDirectory.checkpoint(at: place) else {
    throw CommandError(.checkpoint, "\(place) is neither a checkpoint nor a run that has one")
  }
  return folder
}
