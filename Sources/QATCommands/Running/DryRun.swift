import QAT

/// `qat train --dry-run`: everything that a run does up to the end of its first step, with nothing written.
struct DryRun {
  private let samples: Int
  private let globalBatchSize: Int
  private let stepsPerEpoch: Int
  private let totalSteps: Int
  private let startStep: Int
  private let stepSeconds: Double
  private let peakMemory: Int
  private let memory: MemoryReport
  private let checkpointBytes: Int
  private let parameterCount: Int
  private let quantizers: (weights: Int, activations: Int)
  private let files: [RunResults.ModelFile]
  private let rankCount: Int

  /// Checks a run. All ranks go through it together.
  /// - Throws: what the run would throw.
  init(
    _ inputs: RunInputs, directory: CheckpointDirectory, resume: (choice: CheckpointDirectory.Choice, allowed: Set<AllowedChange>)?,
    exports: [ExportDestination], _ session: Session
  ) throws {
    var configuration = inputs.configuration
    configuration.nncf.logDirectory = nil
    let source = inputs.model.graph
    try inputs.requireFloat()
    let partition = try session.together { try configuration.partition(session.communicator) }
    stepsPerEpoch = inputs.training.count / partition.globalBatchSize
    configuration.stagesBeyondTheEnd(stepsPerEpoch: stepsPerEpoch).forEach(session.warn)
    let identity = RunIdentity(model: source, configuration: configuration, dataset: inputs.training, validation: inputs.validation)
    let loaded = try resume.flatMap {
      try directory.load($0.choice, identity: identity, allowing: $0.allowed, communicator: session.communicator, warn: session.warn)
    }
    try session.onRoot {
      try directory.requireVacant(resuming: loaded)
      try requireWritable(directory.path, "--checkpoint-dir")
    }
    let checkpoint = loaded?.checkpoint
    let calibration = checkpoint == nil ? try session.together { try inputs.calibration() } : nil
    let controller = try quantize(
      source, configuration.nncf, calibration: calibration, session, seed: configuration.seed, state: checkpoint?.state.compression)
    let graph = controller?.graph ?? source
    files = try rehearseExport(graph, to: exports, metadata: ModelMetadata.strings(configuration.data.preprocessing, controller), session)

    startStep = checkpoint?.state.step ?? 0
    totalSteps = min(configuration.epochs * stepsPerEpoch, configuration.maxSteps ?? .max)
    var first = configuration
    first.maxSteps = min(startStep + 1, totalSteps)
    var task = Trainer.Task(
      graph: graph, state: try ModelState(graph), training: inputs.training, validation: nil, configuration: first, controller: controller,
      identity: identity)
    task.allowed = resume?.allowed ?? []
    if configuration.nncf.distillation != nil { task.teacher = source }
    let trainer = try Trainer(task, communicator: session.communicator, resuming: checkpoint, showsProgress: false)
    let result = try trainer.run()
    if let stop = result.stop { throw stop }
    var worst = [result.stepSeconds, Double(ProcessFacts.peakMemory)]
    try worst.withUnsafeMutableBufferPointer { try session.communicator.allreduce($0, .maximum) }
    (stepSeconds, peakMemory) = (worst[0], Int(worst[1]))
    memory = MemoryReport(memory: trainer.memory, limit: configuration.memoryLimit)
    checkpointBytes = try trainer.checkpointByteCount
    samples = inputs.training.count
    globalBatchSize = partition.globalBatchSize
    parameterCount = graph.parameterCount
    quantizers = (controller?.setup.weightPoints.count ?? 0, controller?.setup.activationPoints.count ?? 0)
    rankCount = session.communicator.size
  }

  /// What `--json` shows.
  var json: JSONValue {
    [
      "dry_run": true, "samples": .integer(samples), "global_batch_size": .integer(globalBatchSize), "steps_per_epoch": .integer(stepsPerEpoch),
      "first_step": .integer(startStep + 1), "steps": .integer(totalSteps), "ranks": .integer(rankCount), "first_step_seconds": .number(stepSeconds),
      "peak_memory_bytes": .integer(peakMemory), "memory": memory.json, "checkpoint_bytes": .integer(checkpointBytes),
      "parameters": .integer(parameterCount),
      "weight_quantizers": .integer(quantizers.weights), "activation_quantizers": .integer(quantizers.activations),
      "files": .array(files.map { ["path": .string($0.path), "bytes": .integer($0.bytes)] }),
    ]
  }

  /// For people.
  var text: String {
    var lines = [
      "dry run      no errors; nothing was written",
      "data         \(Numbers.grouped(samples)) samples, \(Numbers.grouped(globalBatchSize)) in a step over \(Numbers.counted(rankCount, "rank"))",
      "steps        \(Numbers.grouped(totalSteps)), \(Numbers.grouped(stepsPerEpoch)) an epoch\(startStep > 0 ? "; going on after \(Numbers.grouped(startStep))" : "")",
      "network      \(Numbers.grouped(parameterCount)) parameters, \(quantizers.weights) quantizers of weights, \(quantizers.activations) of activations",
      "first step   \(Numbers.fixed(stepSeconds, 3)) s; later ones are faster",
      "memory       \(Numbers.bytes(peakMemory)) a rank at its highest, measured with calibration and one step",
    ]
    lines += memory.lines(titleWidth: 13)
    lines.append("checkpoint   \(Numbers.bytes(checkpointBytes)) each")
    for file in files { lines.append("would export \(file.path)  \(Numbers.bytes(file.bytes))") }
    return lines.joined(separator: "\n")
  }
}
