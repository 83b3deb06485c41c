import ArgumentParser
import QAT

/// `qat bench`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time whole training steps, or the passes of evaluation, on synthetic data.",
    discussion: """
      A step is what training does: forward pass, loss, backward pass, sum of the gradients over the ranks, update; with --evaluation the forward pass of \
      evaluation. The median step counts. Threads are OMP_NUM_THREADS.

        OMP_NUM_THREADS=1 qat bench --model resnet18 --mode qat --batch-size 16
      """)

  /// What is timed.
  enum Mode: String, ExpressibleByArgument, CaseIterable {
    case fp32, qat
  }

  @OptionGroup var model: ModelOption
  @OptionGroup var config: OptionalConfigurationOption
  @OptionGroup var running: RunningOptions
  @OptionGroup var forward: ForwardOption
  @OptionGroup var memory: MemoryLimitOption

  @Option(help: "fp32: the network as it is. qat: with fake quantizers, as the configuration says or by the defaults.")
  var mode: Mode

  @Option(name: .customLong("batch-size"), help: "Samples of one micro-batch: of one rank in one step, without the two options below.")
  var batchSize = 16

  @Option(name: .customLong("accumulation-steps"), help: "Micro-batches of one rank, or of one shard, in one step.")
  var accumulationSteps = 1

  @Option(help: ArgumentHelp("Time the steps of a reproducible run with so many shards over all ranks.", valueName: "shards"))
  var reproducible: Int?

  @Flag(name: .customLong("evaluation"), help: "Time forward passes as evaluation makes them; ranks do so beside each other.")
  var isEvaluation = false

  @Flag(
    name: .customLong("communication-cost"),
    help: """
      Make every second step without communication, each rank by itself beside the others, and say what share of that speed is left with it (with --json: \
      images_per_second_alone, efficiency).
      """)
  var comparesAlone = false

  @Option(name: .customLong("image-size"), help: "Height and width of the images; what the network says when left out.")
  var imageSize: Int?

  @Option(help: "Steps that are timed, after three that are not.")
  var steps = 20

  @Flag(
    help: """
      One JSON object on stdout: images_per_second, step_seconds, exposed_communication_seconds, startup_seconds (from the process's start to its first \
      step), peak_memory_bytes, memory_growth_bytes (while steps were timed), memory (what training takes by count).
      """)
  var json = false

  @Flag(help: "Also show where the time of a step goes, by kind of work, on stderr: the mean of three more steps.")
  var profile = false

  @OptionGroup var timeline: TimelineOption

  func validate() throws {
    try requirePositive([
      ("--batch-size", batchSize), ("--image-size", imageSize), ("--steps", steps), ("--accumulation-steps", accumulationSteps),
      ("--reproducible", reproducible),
    ])
    if isEvaluation, comparesAlone || reproducible != nil || accumulationSteps > 1 {
      throw ValidationError("--evaluation sums nothing: --communication-cost, --reproducible and --accumulation-steps are for training.")
    }
    if comparesAlone, reproducible != nil {
      throw ValidationError("--communication-cost and --reproducible exclude each other: shards are dealt to ranks.")
    }
  }

  func run() throws {
    try Session.run("bench", running) { session in
      let (graph, configuration) = try session.begin(values: { [$0.1.sharedValue, $0.0.sharedValue] }) {
        var configuration = try config.path.map { try RunConfiguration(contentsOf: $0) } ?? RunConfiguration()
        configuration.batchSize = batchSize
        configuration.accumulationSteps = accumulationSteps
        configuration.reproducibleShards = reproducible
        forward.apply(&configuration)
        memory.apply(&configuration)
        try configuration.validate()
        if comparesAlone, configuration.batchNorm == .synchronized {
          throw CommandError(
            .usage, "--communication-cost needs steps without communication, and \"batch_norm\": \"synchronized\" has none: leave one of them out")
        }
        var graph = try LoadedModel(
          model.model, format: model.format, classes: nil, seed: configuration.seed, shapes: model.shape.shapes,
          inputInfo: configuration.nncf.inputInfo
        ).graph
        if let imageSize { graph = try graph.resized(to: imageSize) }
        return (graph, configuration)
      }
      try session.onRoot { try timeline.requireWritable() }
      let work: StepBench.Work = isEvaluation ? .evaluation : comparesAlone ? .trainingBesideAlone : .training
      let bench = try StepBench(graph, configuration, quantizes: mode == .qat, work: work, session)
      let report = try bench.run(steps: steps)
      if profile || timeline.path != nil {
        let recorder = try bench.recorded()
        if profile { session.note(StepProfile(recorder.spans, peak: EngineEnvironment.measuredPeak()).text + "\n" + bench.layers.text) }
        if let path = timeline.path {
          let timeline = try Timeline(recorder, session.communicator)
          try session.onRoot { try timeline.write(to: path) }
        }
      }
      try session.result(json ? report.json.text() : report.text)
      return .done
    }
  }
}

extension Graph {
  /// The same network for images of another height and width.
  fileprivate func resized(to size: Int) throws -> Graph {
    var result = self
    for index in result.inputs.indices where result.inputs[index].type.rank == 4 {
      result.inputs[index].type.dimensions[2] = .fixed(size)
      result.inputs[index].type.dimensions[3] = .fixed(size)
    }
    return try result.validated()
  }
}
