import ArgumentParser
import QAT

/// `qat report`.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write one self-contained HTML page about a run.",
    discussion: """
      Curves, the accuracies of the networks on the way from fp32 to integers, sizes, where the time of a step goes, and of every layer: bits, ranges, the noise of \
      quantization, what is clipped, and in which runtime it runs on integers. 'qat train' writes report.html at its end; this command writes it at any \
      time, also while the run goes on, from its newest checkpoint.

        qat report runs/b
        qat report runs/b --sensitivity --output b.html
      """)

  @Argument(help: ArgumentHelp("The folder of a run, or of one of its checkpoints.", valueName: "run"), completion: .directory)
  var folder: String

  @Option(
    help: ArgumentHelp("Where to write the page; report.html in the run's folder when left out.", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var output: String?

  @OptionGroup var data: DataOption

  @Option(help: ArgumentHelp("Samples of the validation data that layers are measured on; 0 measures weights only.", valueName: "count"))
  var samples = RunReport.sampleCount

  @Flag(help: "Also quantize each layer alone and show what it costs, as 'qat analyze' does.")
  var sensitivity = false

  @OptionGroup var running: RunningOptions

  func validate() throws {
    if samples < 0 { throw ValidationError("--samples is \(samples); it must not be negative.") }
    if sensitivity, samples == 0 { throw ValidationError("--sensitivity needs samples, --samples says 0.") }
  }

  func run() throws {
    try Session.run("report", running) { session in
      let (restored, source, note) = try session.begin {
        let restored = try RestoredRun(folder, warn: session.warn)
        let (source, note) = try validationSamples(of: restored)
        return (restored, source, note)
      }
      if let note { session.warn(note) }
      let directory = CheckpointDirectory.run(containing: folder)
      let path = output ?? directory.reportPath
      try session.onRoot { try requireWritable(file: path, "--output") }
      var facts: NetworkFacts?
      if let setup = restored.setup, restored.trained.isQuantized {
        facts = try NetworkFacts(
          of: restored.trained, float: restored.float, setup: setup, samples: source, communicator: session.communicator)
        if sensitivity, let source {
          facts?.sensitivity = try Sensitivity(
            of: restored.trained, float: restored.float, setup: setup, samples: source, communicator: session.communicator)
        }
      }
      try session.onRoot {
        var report = try RunReport(of: directory, title: restored.trained.name, facts: facts)
        if let note { report.notes.append(note) }
        try report.write(to: path)
      }
      try session.result(path)
      return .done
    }
  }

  /// The samples to measure on; where the run's own data is not here, a sentence about it instead.
  private func validationSamples(of restored: RestoredRun) throws -> (CalibrationSource?, String?) {
    let configuration = restored.record.configuration
    guard samples > 0, restored.trained.isQuantized, let path = data.path ?? configuration.data.validation ?? configuration.data.train else {
      return (nil, nil)
    }
    do {
      let dataset = try openDataset(path, split: .test, channels: configuration.data.channels)
      return (
        try CalibrationSource(
          dataset: dataset, preprocessing: configuration.data.preprocessing, count: samples, seed: configuration.seed,
          options: configuration.loadingOptions), nil
      )
    } catch  where data.path == nil && !sensitivity {
      return (nil, "activations are not measured: \(error). Say with --data where the data is")
    }
  }
}
