// training-loop MODEL DATA: quantizes an fp32 network and fine-tunes it with a loop of its own, alone or under mpirun.
import Foundation
import QAT

func train(_ file: String, on data: String, _ ranks: any Communicator) throws {
  func say(_ text: String) { if ranks.isRoot { print(text) } }
  func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }

  let preprocessing = Preprocessing(mean: [0.286], std: [0.353])
  let loader = DataLoader(try openDataset(data, split: .train), batchSize: 32, preprocessing: preprocessing)
  let test = DataLoader(try openDataset(data, split: .test), batchSize: 32, preprocessing: preprocessing)

  let fp32 = try Model.load(file)
  let nncf = try NNCFConfig(["compression": ["algorithm": "quantization"]])
  let (controller, model) = try createCompressedModel(fp32, registerDefaultInitArgs(nncf, loader))
  try controller.distributed()
  say("top-1: fp32 \(percent(try fp32.evaluate(test).top1)), quantized \(percent(try model.evaluate(test).top1))")

  let optimizer = model.makeOptimizer(OptimizerConfiguration(.adam))
  for epoch in 0..<2 {
    controller.scheduler.epochStep()
    optimizer.learningRate = epoch == 0 ? 1e-4 : 1e-5
    let batches = try loader.batches(inEpoch: epoch)
    var sum = 0.0
    while let batch = try batches.next() {
      controller.scheduler.step()
      let loss = try model.loss(batch) + controller.loss()
      try loss.backward()  // the gradients of all ranks
      try optimizer.step()
      sum += Double(loss.value)
    }
    say("epoch \(epoch): loss \(String(format: "%.4f", sum / Double(batches.count))), top-1 \(percent(try model.evaluate(test).top1))")
    try ranks.together {
      guard ranks.isRoot else { return }
      try Checkpoint(
        stateDictionary: model.stateDictionary, compressionState: controller.compressionState, optimizer: optimizer.stateDictionary,
        objects: ["epoch": epoch]
      ).save(to: "checkpoint")
    }
  }
  try controller.exportModel(to: "int8.onnx")
}

do {
  guard CommandLine.arguments.count == 3 else { throw TrainingError(.input, "usage: training-loop MODEL DATA") }
  try withCommunicator { ranks in try train(CommandLine.arguments[1], on: CommandLine.arguments[2], ranks) }
} catch {
  FileHandle.standardError.write(Data("training-loop: \(error)\n".utf8))
  exit(1)
}
