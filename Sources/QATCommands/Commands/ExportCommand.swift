import ArgumentParser
import QAT

/// `qat export`.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a checkpoint as a model file.",
    discussion: """
      The folder of a run stands for its newest valid checkpoint; a step's folder for that step.

        qat export --checkpoint runs/b --to int8.onnx
        qat export --checkpoint runs/b/step-000000400 --to early.onnx
      """)

  /// What is written.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case onnx
  }

  @Option(help: ArgumentHelp("The folder of a run, or of one of its checkpoints.", valueName: "dir"), completion: .directory)
  var checkpoint: String

  @Option(name: .customLong("to"), help: ArgumentHelp("Where to write.", valueName: "file"), completion: .file(extensions: ["onnx"]))
  var destination: String

  @Option(help: "The format; what the file's suffix says when left out.")
  var format: Format?

  func validate() throws {
    if format == nil { try requireKnownSuffix(destination) }
  }

  func run() throws {
    try Session.run { session in
      let run = CheckpointDirectory.run(containing: checkpoint)
      let (record, graph, found) = try session.together {
        let record = try run.record()
        guard let found = try run.load(.path(checkpoint), warn: session.warn) else {
          throw CommandError(.checkpoint, "\(checkpoint) holds no checkpoint")
        }
        return (record, try ONNXFile.read(contentsOf: run.modelPath), found)
      }
      let state = found.checkpoint.state
      var trained = graph
      if let compression = state.compression {
        trained = try quantize(graph, record.configuration.nncf, calibration: nil, session, state: compression)?.graph ?? graph
      }
      for (name, tensor) in found.checkpoint.model {
        guard trained.constants[name]?.tensor.shape == tensor.shape else {
          throw CommandError(
            .mismatch, "the checkpoint \(found.path) holds the tensor '\(name)' \(tensor.shape), which \(run.modelPath) does not have")
        }
        trained.constants[name]?.tensor = tensor
      }
      session.note("step \(state.step) of \(found.path)")
      try export(trained, to: [destination], metadata: ModelMetadata.strings(record.configuration.data.preprocessing), session)
      return .done
    }
  }
}
