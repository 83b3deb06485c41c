import QAT

/// `workflow loop`: a loop by hand and `fit` on all ranks, each rank starting from other weights; the state dictionary of each is printed as a number, and what was exported.
/// `workflow undistributed`: a loop without `distributed()`. `workflow ending`: the last rank's callback ends the run after an epoch.
@Sendable func workflowScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let loader = DataLoader(try openDataset("synthetic:1,8,8,4,96", split: .train), batchSize: 8)
  let config = registerDefaultInitArgs(
    try NNCFConfig(["compression": ["algorithm": "quantization", "initializer": ["range": ["num_init_samples": 16]]]]), loader)
  func compressed() throws -> (controller: CompressionController, model: Model) {
    var net = NetworkBuilder(name: "tiny", input: [1, 8, 8])
    let x = net.relu(net.batchNormalization(net.convolution(net.input, "conv", channels: 8, kernel: 3), "bn"), "relu")
    return try createCompressedModel(Model(net.graph(output: net.linear(net.flatten(x, "flatten"), "fc", features: 4))), config)
  }
  var optimizer = OptimizerConfiguration()
  optimizer.schedule.kind = .constant
  let (controller, model) = try compressed()
  switch arguments.first {
  case "undistributed":
    if let batch = try loader.batches().next() { _ = try model.loss(batch) }
  case "ending":
    try controller.distributed()
    let result = try model.fit(loader, epochs: 4, optimizer: optimizer, callbacks: [Ending()], showsProgress: false)
    communicator.say("steps \(result.steps) early \(result.endedEarly)")
  default:
    try controller.distributed()
    let stepper = model.makeOptimizer(optimizer)
    for epoch in 0..<2 {
      controller.scheduler.epochStep()
      let batches = try loader.batches(inEpoch: epoch)
      while let batch = try batches.next() {
        controller.scheduler.step()
        try (model.loss(batch) + controller.loss()).backward()
        try stepper.step()
      }
    }
    communicator.say("steps \(controller.scheduler.state.currentStep + 1) state \(fingerprint(model))")
    let (other, fitted) = try compressed()
    try other.distributed()
    let result = try fitted.fit(loader, epochs: 2, optimizer: optimizer, showsProgress: false)
    communicator.say("steps \(result.steps) state \(fingerprint(fitted))")
  }
}

private func fingerprint(_ model: Model) -> UInt32 {
  var sum: UInt32 = 0
  for (_, tensor) in model.stateDictionary.sorted(by: { $0.key < $1.key }) {
    for value in tensor.floats ?? [] { sum = (sum &* 31) &+ value.bitPattern }
  }
  return sum
}

/// Ends a run after its second epoch, on the last rank.
private final class Ending: TrainingCallback {
  func wantsToStop(_ trainer: Trainer) -> Bool {
    trainer.position.epoch == 2 && trainer.communicator.rank == trainer.communicator.size - 1
  }
}
