import ArgumentParser
import QAT

/// `qat export`.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a checkpoint as a model file.",
    discussion: """
      The folder of a run stands for its newest valid checkpoint; a step's folder for that step; best and latest, as if they were folders of the run, for \
      what they say.

        qat export --checkpoint runs/b --to int8.onnx
        qat export --checkpoint runs/b/best --to best.onnx
        qat export --checkpoint runs/b/step-000000400 --to early.onnx
      """)

  @Option(help: ArgumentHelp("The folder of a run or of one of its checkpoints, or a run's best.", valueName: "dir"), completion: .directory)
  var checkpoint: String

  @Option(name: .customLong("to"), help: ArgumentHelp("Where to write.", valueName: "file"), completion: .file(extensions: ModelFormat.extensions))
  var destination: String

  @OptionGroup var form: FormatOption

  @OptionGroup var vectors: TestVectorOption

  func validate() throws { _ = try form.destination(destination) }

  func run() throws {
    try Session.run("export") { session in
      let restored = try session.begin { try RestoredRun(checkpoint, warn: session.warn) }
      let destinations = [try form.destination(destination)]
      try session.onRoot { try destinations.requirePossible("--to") }
      session.note("step \(restored.loaded.checkpoint.state.step) of \(restored.loaded.path)")
      let request = ExportRequest(
        destinations: destinations, metadata: restored.metadata, testVectorCount: vectors.count)
      try export(restored.trained, request, session)
      return .done
    }
  }
}
