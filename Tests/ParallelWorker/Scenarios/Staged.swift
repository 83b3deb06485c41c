import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATQuantization
import QATTensor
import QATTraining

/// Trains through all stages with a teacher, in four shards whatever the ranks are, and prints the parameters' checksum: the same for every number of ranks.
/// Argument: the number of steps after which the run goes on from its own checkpoint; 0 for never. A folder of its own.
@Sendable func stagedScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count == 2, let stop = Int(arguments[0]) else { throw ScenarioError("steps, folder") }
  var b = NetworkBuilder(name: "staged", input: [1, 8, 8], seed: 4)
  let x = b.relu(b.batchNormalization(b.convolution(b.input, "conv", channels: 16, kernel: 3, pad: 1), "bn"), "relu")
  let features = b.flatten(b.globalAveragePool(x, "gap"), "flatten")
  let scores = b.linear(features, "fc", features: 4)
  let source = b.graph(output: scores)

  var configuration = RunConfiguration()
  (configuration.batchSize, configuration.reproducibleShards, configuration.epochs, configuration.seed) = (4, 4, 3, 3)
  (configuration.batchNormUpdateEpochs, configuration.optimizer.baseLearningRate) = (2, 0.05)
  var quantization = QuantizationConfiguration()
  quantization.range = .everywhere(.init(.percentile, sampleCount: 64))
  quantization.batchNormAdaptationSampleCount = 64
  var stages = QuantizationStages()
  (stages.activationsStartEpoch, stages.weightsStartEpoch) = (1, 2)
  quantization.stages = stages
  configuration.nncf.quantization = quantization
  configuration.nncf.distillation = KnowledgeDistillation(.mse)

  let data = try openDataset("synthetic:1,8,8,4,64", split: .train)
  let directory = CheckpointDirectory(arguments[1])
  try communicator.together { if communicator.isRoot { try directory.prepare() } }
  func run(_ maxSteps: Int?, resumes: Bool) throws {
    configuration.maxSteps = maxSteps
    let checkpoint = resumes ? try directory.load(.latest, identity: nil, communicator: communicator)?.checkpoint : nil
    let calibration = try CalibrationSource(dataset: data, preprocessing: Preprocessing(), count: 64, seed: 1)
    let controller = try createCompressedModel(
      source, configuration.nncf, calibration: calibration, communicator: communicator, compressionState: checkpoint?.state.compression)
    try controller.distributed()
    let state = try ModelState(controller.graph)
    var task = Trainer.Task(
      graph: controller.graph, state: state, training: data, validation: data, configuration: configuration, controller: controller,
      directory: directory, identity: RunIdentity(model: source, configuration: configuration, dataset: data))
    task.teacher = source
    let result = try Trainer(task, communicator: communicator, resuming: checkpoint, showsProgress: false).run()
    guard maxSteps == nil else { return }
    var sum: UInt64 = 14_695_981_039_346_656_037
    for buffer in [state.parameters, state.statistics] {
      for value in buffer.elements { sum = (sum ^ UInt64(value.bitPattern)) &* 1_099_511_628_211 }
    }
    communicator.say("\(sum) top1 \(result.evaluation?.top1 ?? -1) stage \(controller.compressionStage.rawValue)")
  }
  if stop > 0 { try run(stop, resumes: false) }
  try run(nil, resumes: stop > 0)
}
