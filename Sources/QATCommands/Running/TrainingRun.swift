import QAT

/// One `qat train` from the inputs to the table at its end. All ranks go through it together.
struct TrainingRun {
  private let inputs: RunInputs
  private let session: Session
  private let directory: CheckpointDirectory
  /// Holds the folder until here.
  private let opened: OpenedRun
  private let graph: Graph
  private let state: ModelState
  private let controller: CompressionController?
  private let trainer: Trainer
  /// When the run may end early.
  private let goal: AccuracyGoal?
  private var results = RunResults()

  /// Begins a run, or goes on with one: checks that the ranks train the same, takes the folder, finds the checkpoint, notes the run there, quantizes.
  /// - Throws: an error that names what is wrong, the same on all ranks; `StopRequest` when the run is asked to stop meanwhile.
  init(
    _ inputs: RunInputs, directory: CheckpointDirectory, forcesLock: Bool,
    resume: (choice: CheckpointDirectory.Choice, allowed: Set<AllowedChange>)?, stopConditions: StopConditions, timeline: String?,
    _ session: Session
  ) throws {
    self.inputs = inputs
    self.session = session
    self.directory = directory
    let source = inputs.model.graph
    try inputs.requireFloat()
    // Before anything is computed: there may be more ranks than work.
    let partition = try session.together { try inputs.configuration.partition(session.communicator) }
    inputs.configuration.stagesBeyondTheEnd(stepsPerEpoch: inputs.training.count / partition.globalBatchSize).forEach(session.warn)
    let isReproducible = inputs.configuration.reproducibleShards != nil
    let opened = try OpenedRun(
      of: source, inputs.configuration, training: inputs.training, validation: inputs.validation, in: directory, takesLock: forcesLock,
      resume: resume, session.communicator, taken: stopConditions.begin, warn: session.warn)
    self.opened = opened
    let loaded = opened.loaded
    let checkpoint = loaded?.checkpoint
    if isReproducible { try session.keepThreads(of: checkpoint?.state.environment) }
    try opened.note(versions: ["swift-qat": QATCommand.version]) {
      try ONNXFile.write(source, to: $0, metadata: ModelMetadata.strings(inputs.configuration.data.preprocessing))
    }
    try session.communicator.stopIfAsked()
    if let loaded {
      session.note("going on after step \(loaded.checkpoint.state.step) of \(loaded.path)")
      let differences = ComputeEnvironment(rankCount: isReproducible ? nil : session.communicator.size).differences(
        from: loaded.checkpoint.state.environment)
      if !differences.isEmpty {
        session.warn("the run goes on, but not with the bits it would have had: \(differences.joined(separator: "; "))")
      }
    }
    // Stages to come find ranges anew.
    let needsSamples = checkpoint == nil || inputs.configuration.nncf.quantization?.stages != nil
    let calibration = needsSamples ? try session.together { try inputs.calibration() } : nil
    controller = try quantize(
      source, inputs.configuration.nncf, calibration: calibration, session, seed: inputs.configuration.seed, state: checkpoint?.state.compression,
      loss: inputs.configuration.makeLoss(of: source, target: inputs.training.target, smooths: false))
    graph = controller?.graph ?? source
    state = try ModelState(graph)
    if let controller { try drawGraphs(source, controller, to: inputs.configuration.nncf.logDirectory, session) }
    // What was measured before the run was stopped is not measured again.
    if loaded != nil, session.communicator.isRoot, let before = try directory.results() {
      (results.networks, results.timing) = (before.networks, before.timing)
    }
    var float: Evaluation?
    if controller != nil, checkpoint == nil || inputs.configuration.nncf.accuracyAwareTraining != nil {
      let evaluation = try Self.evaluate(source, inputs, session)
      results.note("fp32", evaluation.metrics)
      float = evaluation
    }
    if let controller, checkpoint == nil {
      session.note(controller.statistics().description)
      results.note("quantized, before fine-tuning", try Self.evaluate(graph, inputs, session).metrics)
      let results = results
      try session.onRoot { try directory.write(results) }
    }
    var task = opened.task(graph: graph, state: state, controller: controller)
    if let budget = inputs.configuration.nncf.accuracyAwareTraining, let float {
      task.goal = AccuracyGoal(budget, uncompressed: float.top1)
    }
    goal = task.goal
    if inputs.configuration.tensorBoardEvery > 0 {
      task.callbacks.append(
        TensorBoardLog(
          directory.eventsPath, every: inputs.configuration.tensorBoardEvery,
          samples: try session.together {
            try CalibrationSource(
              dataset: inputs.validation, preprocessing: inputs.configuration.data.preprocessing, count: TensorBoardLog.sampleCount,
              seed: inputs.configuration.seed, options: inputs.configuration.loadingOptions)
          }))
    }
    task.recorder = timeline.map { path in
      // The first steps show how pages, caches and the processor's clock settle.
      StepRecorder(steps: 10, after: 10) { recorder in
        let timeline = try Timeline(recorder, session.communicator)
        // A picture that cannot be written must not end a training that goes well.
        do throws(FileError) {
          try timeline.write(to: path)
          session.note("the timeline of \(recorder.stepCount) steps is in \(path)")
        } catch {
          session.warn("there is no timeline: \(error)")
        }
      }
    }
    trainer = try Trainer(task, communicator: session.communicator, resuming: checkpoint)
    if let cost = MemoryReport(memory: trainer.memory, limit: inputs.configuration.memoryLimit).cost { session.note("memory limit \(cost)") }
    if let bytes = trainer.teacherByteCount { session.note("knowledge distillation: the teacher takes \(Numbers.bytes(bytes)) on each rank") }
  }

  /// Trains to the end and exports.
  /// - Parameters:
  ///   - exports: files to write.
  ///   - testVectorCount: how many inputs and outputs are stored beside each file.
  /// - Returns: the table that the run ends with, and the same as JSON.
  /// - Throws: `StopRequest`, the same on every rank, when the run was asked to stop; what training and exporting throw.
  mutating func finish(exports: [ExportDestination], testVectorCount: Int) throws -> (text: String, json: JSONValue) {
    let result = try trainer.run()
    if let stop = result.stop { throw stop }
    let best = goal == nil ? nil : try trainer.restoreBest()
    if best != nil { session.note("the best network of the run is that of step \(result.best?.step ?? 0): it is the result") }
    let trained = try trainer.trainedGraph()
    if let controller, controller.compressionStage != .fullyCompressed {
      let kinds = QuantizationPoint.Kind.allCases.filter { !controller.scheduler.enabledKinds.contains($0) }.map(\.plural)
      session.warn("the run has ended before \(kinds.joined(separator: " and ")) were quantized: \"params\" has them begin later")
    }
    // A run that was resumed at its end has not evaluated.
    let evaluation = try best ?? result.evaluation ?? Self.evaluate(trained, inputs, session)
    results.note(controller == nil ? "trained" : "fine-tuned", evaluation.metrics)
    if trained.isQuantized {
      results.note("as integers", try Self.evaluate(session.together { try lower(trained).simulation }, inputs, session).metrics)
    }
    let request = ExportRequest(
      destinations: exports, metadata: ModelMetadata.strings(inputs.configuration.data.preprocessing, controller),
      samples: { [inputs] in try inputs.calibration() }, testVectorCount: testVectorCount)
    // The results of the run are kept, whatever becomes of the files.
    let written = Result { try export(trained, request, session) }
    (results.steps, results.ranks) = (result.steps, session.communicator.size)
    // A run that was at its end keeps the times of the one that trained.
    if result.imagesPerSecond > 0 || results.timing == nil { results.timing = RunResults.Timing(result) }
    results.files = exports.map { RunResults.ModelFile(path: $0.file, bytes: $0.byteCount(at: $0.file)) }
    let results = results
    try session.onRoot { try directory.write(results) }
    try written.get()
    let report = try writeReport(of: trained) ? directory.reportPath : nil
    return (table(result, accuracy: evaluation.top1, report: report), results.json(run: directory.path, report: report))
  }

  /// Writes the run's page. What goes wrong with it does not take the run's result away.
  /// - Returns: whether it is there.
  private func writeReport(of trained: Graph) throws -> Bool {
    do {
      var facts: NetworkFacts?
      if let controller, trained.isQuantized {
        let samples = try session.together {
          try CalibrationSource(
            dataset: inputs.validation, preprocessing: inputs.configuration.data.preprocessing, count: RunReport.sampleCount,
            seed: inputs.configuration.seed, options: inputs.configuration.loadingOptions)
        }
        facts = try NetworkFacts(
          of: trained, float: trained.values(in: inputs.model.graph), setup: controller.setup, samples: samples, communicator: session.communicator)
      }
      try session.onRoot { try RunReport(of: directory, title: graph.name, facts: facts).write(to: directory.reportPath) }
      return true
    } catch let request as StopRequest {
      session.note("the report is left out, because the run is asked to stop (\(request)): 'qat report \(directory.path)' makes it")
    } catch {
      session.warn("there is no report: \(error)")
    }
    return false
  }

  private static func evaluate(_ graph: Graph, _ inputs: RunInputs, _ session: Session) throws -> Evaluation {
    try QAT.evaluate(
      graph, dataset: inputs.validation, preprocessing: inputs.configuration.data.preprocessing, batchSize: inputs.configuration.batchSize,
      communicator: session.communicator, loss: inputs.configuration.makeLoss(of: graph, target: inputs.validation.target, smooths: false),
      options: inputs.configuration.loadingOptions, metrics: inputs.configuration.metrics, reference: inputs.model.graph)
  }

  private func table(_ result: TrainingResult, accuracy: Double, report: String?) -> String {
    let shown = Metric.allCases.filter { metric in results.networks.contains { $0.metrics[metric.rawValue] != nil } }
    var table = TextTable([graph.name] + shown.map(\.title) + ["loss"])
    for network in results.networks {
      let cells = shown.map { metric in
        network.metrics[metric.rawValue].map { metric.isError ? Numbers.fixed($0, 4) : Numbers.percent($0) } ?? ""
      }
      table.add([network.name] + cells + [network.metrics["loss"].map { Numbers.fixed($0, 4) } ?? ""])
    }
    var lines = [table.text, ""]
    if let goal { lines.append(goal.report(accuracy)) }
    let steps = Numbers.counted(result.steps, "step")
    lines.append(
      result.imagesPerSecond > 0
        ? "\(steps), \(Numbers.fixed(result.imagesPerSecond, 0)) images/s over \(Numbers.counted(session.communicator.size, "rank")), "
          + "\(Numbers.fixed(result.seconds, 1)) s" : "\(steps), none of them now: the run was at its end")
    if session.communicator.size > 1, result.stepSeconds > 0 {
      lines.append(
        "communication  \(Numbers.fixed(result.exposedCommunicationSeconds, 1)) s of \(Numbers.fixed(result.stepSeconds, 1)) s in steps were waited for it "
          + "(\(Numbers.percent(result.exposedCommunicationSeconds / result.stepSeconds)))")
    }
    if result.skippedSteps > 0 { lines.append("\(result.skippedSteps) of them were skipped: loss or gradients were not finite") }
    let checkpoints = result.checkpoints
    if checkpoints.count > 0 {
      let failed = checkpoints.failedCount > 0 ? ", \(checkpoints.failedCount) of them not written" : ""
      lines.append(
        "checkpoints  \(checkpoints.count)\(failed); training waited \(Numbers.fixed(checkpoints.seconds, 3)) s for them, "
          + "\(Numbers.fixed(checkpoints.longestSeconds, 3)) s at once at most")
    }
    lines.append("run          \(directory.path)")
    if let report { lines.append("report       \(report)") }
    for file in results.files { lines.append("exported     \(file.path)  \(Numbers.bytes(file.bytes))") }
    return lines.joined(separator: "\n")
  }
}

extension AccuracyGoal {
  /// What the network has lost, and what of the budget is left.
  fileprivate func report(_ compressed: Double) -> String {
    let lost = uncompressed - compressed
    let verdict = compressed >= minimum ? "within the budget" : "beyond the budget"
    return
      "accuracy     \(Numbers.percent(compressed)) of \(Numbers.percent(uncompressed)): \(Numbers.fixed(100 * lost, 2)) points lost "
      + "(\(Numbers.percent(uncompressed > 0 ? lost / uncompressed : 0)) of it), \(verdict): at least \(Numbers.percent(minimum)), "
      + "\(Numbers.fixed(100 * (compressed - minimum), 2)) points left"
  }
}
