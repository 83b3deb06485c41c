import ArgumentParser
import QAT

/// `qat train`.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a network; with 'compression' in the configuration, quantize it first and fine-tune it.",
    discussion: """
      The checkpoint folder holds everything that the run needs to go on: the resolved configuration, the model it started from, the newest checkpoints and \
      metrics.jsonl. With --resume auto the same command line begins a run and goes on with it. SIGUSR1, SIGUSR2, SIGTERM, Ctrl-C, --max-time and a file \
      named STOP in the folder stop the run after the current step, with a checkpoint; Ctrl-C again ends it at once.

        qat train --config fp32.json --model resnet_small --data /data/fashion-mnist --checkpoint-dir runs/a --export fp32.onnx
        mpirun -n 2 qat train --config int8.json --model fp32.onnx --data /data/fashion-mnist --checkpoint-dir runs/b --resume auto --export int8.onnx
        qat train --dry-run --config int8.json --model fp32.onnx --data /data/fashion-mnist --checkpoint-dir runs/b --export int8.onnx
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var model: OptionalModelOption
  @OptionGroup var data: DataOption

  @Option(
    name: .customLong("checkpoint-dir"), help: ArgumentHelp("The run's folder; made when it is missing.", valueName: "dir"), completion: .directory)
  var checkpointDirectory: String

  @Option(
    help: ArgumentHelp(
      "Go on with a run: auto (the newest valid checkpoint, else from the beginning), latest, best, or the folder of a checkpoint.",
      valueName: "auto|latest|best|path"))
  var resume: String?

  @Flag(name: .customLong("force-unlock"), help: "Take the folder from a run that seems to be at work in it, when you know that it is gone.")
  var forcesLock = false

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "What may differ from the checkpoint the run goes on from: \(AllowedChange.allCases.map(\.rawValue).joined(separator: ", ")). May be repeated.",
      valueName: "key,..."),
    transform: allowedChanges)
  var allow: [Set<AllowedChange>] = []

  @Option(
    name: .customLong("max-time"),
    help: ArgumentHelp(
      "Stop with a checkpoint when this process has run so long: 90s, 55m, 4h, 1h30m, or as Slurm writes it, 1-12:00:00.", valueName: "time"))
  var maxTime: TimeLimit?

  @Flag(
    name: .customLong("dry-run"),
    help: "Check everything up to the end of the first step, exports and memory included, on all ranks, and write nothing.")
  var isDryRun = false

  @Flag(help: "The results as one JSON object on stdout.")
  var json = false

  @OptionGroup var timeline: TimelineOption
  @OptionGroup var overrides: Overrides
  @OptionGroup var output: ExportOption
  @OptionGroup var running: RunningOptions

  func run() throws {
    // The first signal asks the run to stop at the end of a step, also while data and model are still being read.
    StopRequest.watch()
    let deadline = maxTime.map { ContinuousClock.now + .seconds($0.seconds) }
    try Session.run("train", running) { session in
      let inputs = try session.begin(values: { $0.sharedValues() }, keepsThreads: { $0.configuration.reproducibleShards != nil }) {
        try RunInputs(
          configurationPath: config.path, model: model.model, shapes: model.shape.shapes, data: data.path, overrides: overrides.apply)
      }
      inputs.warn(session)
      try session.onRoot {
        try timeline.requireWritable(in: checkpointDirectory)
        try output.destinations.requirePossible(
          "--export", quantization: inputs.configuration.nncf.quantization, in: checkpointDirectory)
      }
      let directory = CheckpointDirectory(checkpointDirectory, inputs.configuration.checkpoint)
      let resumption = resume.map { (CheckpointDirectory.Choice($0), allow.reduce(into: Set<AllowedChange>()) { $0.formUnion($1) }) }
      if isDryRun {
        let found = try DryRun(inputs, directory: directory, resume: resumption, exports: output.destinations, session)
        try session.result(json ? found.json.text() : found.text)
        return .done
      }
      let conditions = StopConditions(directory, deadline: deadline, limit: "--max-time \(maxTime?.text ?? "")")
      defer { conditions.end() }
      do {
        try session.communicator.stopIfAsked()
        var run = try TrainingRun(
          inputs, directory: directory, forcesLock: forcesLock, resume: resumption, stopConditions: conditions, timeline: timeline.path, session)
        let result = try run.finish(exports: output.destinations, testVectorCount: output.vectors.count)
        try session.result(json ? result.json.text() : result.text)
        return .done
      } catch let request as StopRequest {
        let why = conditions.reason.map { ", because \($0)" } ?? ""
        let newest = session.communicator.isRoot ? (try? directory.candidates)?.first : nil
        let (place, next) =
          newest.map { ("with the checkpoint \(directory.path)/\($0)", "goes on") } ?? ("before there was a checkpoint", "begins anew")
        session.note("stopped \(place)\(why). The same command with --resume auto \(next)")
        return request == .interrupt ? .interrupted : .stopped
      }
    }
  }

  private static func allowedChanges(_ text: String) throws -> Set<AllowedChange> {
    try Set(
      text.split(separator: ",", omittingEmptySubsequences: false).map { word in
        guard let change = AllowedChange(rawValue: String(word)) else {
          let known = AllowedChange.allCases.map(\.rawValue)
          let nearest = NearestWord.to(String(word), among: known).map { ": did you mean '\($0)'?" } ?? "; known are \(known.joined(separator: ", "))"
          throw ValidationError("'\(word)' cannot be allowed to differ\(nearest)")
        }
        return change
      })
  }

  /// Flags that override the configuration.
  struct Overrides: ParsableArguments {
    @Option(help: "Passes over the training data.")
    var epochs: Int?

    @Option(name: .customLong("max-steps"), help: "Largest number of steps of the whole run.")
    var maxSteps: Int?

    @Option(name: .customLong("batch-size"), help: "Samples of one micro-batch: of one rank in one step, without the two options below.")
    var batchSize: Int?

    @Option(
      name: .customLong("accumulation-steps"),
      help: ArgumentHelp("Micro-batches of one rank, or of one shard, whose gradients are added up before ranks exchange them.", valueName: "count"))
    var accumulationSteps: Int?

    @Option(
      help: ArgumentHelp(
        "Cut each step into so many shards of --batch-size samples, and give bit-identical results for every number of ranks up to this.",
        valueName: "shards"))
    var reproducible: Int?

    @Option(help: "The number from which all randomness comes.")
    var seed: UInt64?

    @OptionGroup var forward: ForwardOption
    @OptionGroup var memory: MemoryLimitOption

    @Option(
      name: .customLong("checkpoint-every"),
      help: ArgumentHelp("Write a checkpoint every so many steps, besides each epoch's end.", valueName: "steps"))
    var checkpointEvery: Int?

    @Flag(name: .customLong("shard-optimizer"), help: "Each rank keeps the optimizer's memory of a share of the parameters only.")
    var shardOptimizer = false

    func validate() throws {
      try requirePositive([
        ("--epochs", epochs), ("--max-steps", maxSteps), ("--batch-size", batchSize), ("--accumulation-steps", accumulationSteps),
        ("--reproducible", reproducible), ("--checkpoint-every", checkpointEvery),
      ])
    }

    /// Sets what was said.
    func apply(_ configuration: inout RunConfiguration) {
      if let epochs { configuration.epochs = epochs }
      if let maxSteps { configuration.maxSteps = maxSteps }
      if let batchSize { configuration.batchSize = batchSize }
      if let accumulationSteps { configuration.accumulationSteps = accumulationSteps }
      if let reproducible { configuration.reproducibleShards = reproducible }
      if let seed { configuration.seed = seed }
      forward.apply(&configuration)
      memory.apply(&configuration)
      if shardOptimizer { configuration.optimizer.isSharded = true }
      if let checkpointEvery { configuration.checkpoint.every = checkpointEvery }
    }
  }
}
