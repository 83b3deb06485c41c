import Foundation
import QAT
import Testing

/// A folder that is removed with its owner.
final class TemporaryFolder {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("qat-workflow-\(UUID().uuidString)").path
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A small classifier and data for it: convolution, batch norm and dropout, everything that has state or randomness.
enum Example {
  static func network(classes: Int = 4, name: String = "example") -> Graph {
    var net = NetworkBuilder(name: name, input: [1, 8, 8], seed: 2)
    var x = net.relu(net.batchNormalization(net.convolution(net.input, "conv1", channels: 8, kernel: 3, pad: 1), "bn1"), "relu1")
    x = net.relu(net.batchNormalization(net.convolution(x, "conv2", channels: 8, kernel: 3, stride: 2, pad: 1), "bn2"), "relu2")
    x = net.dropout(net.flatten(net.globalAveragePool(x, "gap"), "flatten"), "dropout", ratio: 0.2)
    return net.graph(output: net.linear(x, "fc", features: classes))
  }

  static func loader(batchSize: Int = 8, count: Int = 48, seed: UInt64 = 0) throws -> DataLoader {
    DataLoader(
      try openDataset("synthetic:1,8,8,4,\(count)", split: .train), batchSize: batchSize,
      preprocessing: Preprocessing(mean: [0.5], std: [0.25], flip: true),
      seed: seed)
  }

  static func config(_ more: String = "") throws -> NNCFConfig {
    try NNCFConfig(
      document: JSONDocument.parse(
        """
        { "compression": { "algorithm": "quantization"\(more), "initializer": { "range": { "num_init_samples": 16 }, "batchnorm_adaptation": { "num_bn_adaptation_samples": 16 } } } }
        """, file: "test"))
  }

  static func compressed() throws -> (controller: CompressionController, model: Model) {
    try createCompressedModel(Model(network()), registerDefaultInitArgs(config(), loader()))
  }
}

@Suite("The workflow")
struct WorkflowTests {
  @Test("a loop by hand gives the bytes of fit", arguments: OptimizerConfiguration.Kind.allCases, [true, false])
  func loopIsFit(kind: OptimizerConfiguration.Kind, quantized: Bool) throws {
    var optimizer = OptimizerConfiguration(kind)
    optimizer.schedule.kind = .constant
    optimizer.baseLearningRate = 0.01
    // Below the norms that the quantized network has.
    optimizer.maxGradientNorm = quantized ? 0.05 : nil
    let loader = try Example.loader(seed: 3)
    func make() throws -> (CompressionController?, Model) {
      guard quantized else { return (nil, try Model(Example.network())) }
      let (controller, model) = try Example.compressed()
      return (controller, model)
    }
    let (_, fitted) = try make()
    let result = try fitted.fit(loader, epochs: 2, optimizer: optimizer, showsProgress: false)
    #expect(result.steps == 12)

    let (controller, model) = try make()
    let stepper = model.makeOptimizer(optimizer)
    for epoch in 0..<2 {
      controller?.scheduler.epochStep()
      let batches = try loader.batches(inEpoch: epoch)
      #expect(batches.count == 6)
      while let batch = try batches.next() {
        controller?.scheduler.step()
        try (model.loss(batch) + (controller?.loss() ?? 0)).backward()
        try stepper.step()
      }
    }
    #expect(model.stateDictionary == fitted.stateDictionary)
    #expect(try model.stateDictionary != make().1.stateDictionary)
    #expect(controller?.scheduler.state == .init(currentStep: 11, currentEpoch: 1) || !quantized)
  }

  @Test("a loop by hand goes through stages of quantization as fit does")
  func stages() throws {
    let staged = try Example.config(", \"params\": { \"activations_quant_start_epoch\": 1, \"weights_quant_start_epoch\": 2 }")
    let loader = try Example.loader(seed: 3)
    var optimizer = OptimizerConfiguration(.adam)
    optimizer.schedule.kind = .constant
    optimizer.baseLearningRate = 0.003
    optimizer.weightDecay = 0.01
    func make() throws -> (controller: CompressionController, model: Model) {
      try createCompressedModel(Model(Example.network()), registerDefaultInitArgs(staged, loader))
    }
    let (_, fitted) = try make()
    try fitted.fit(loader, epochs: 3, optimizer: optimizer, showsProgress: false)
    let (controller, model) = try make()
    let stepper = model.makeOptimizer(optimizer)
    var found: [CompressionStage] = []
    for epoch in 0..<3 {
      controller.scheduler.epochStep()
      found.append(controller.compressionStage)
      let batches = try loader.batches(inEpoch: epoch)
      while let batch = try batches.next() {
        controller.scheduler.step()
        try model.loss(batch).backward()
        try stepper.step()
      }
    }
    #expect(found == [.uncompressed, .partiallyCompressed, .fullyCompressed])
    #expect(model.stateDictionary == fitted.stateDictionary)
  }

  @Test("fit ends as soon as the model is accurate enough, and learns from its teacher where the configuration says so")
  func accuracyAndTeacher() throws {
    let loader = try Example.loader()
    func config(_ budget: JSONValue) throws -> CompressionConfig {
      registerDefaultInitArgs(
        try NNCFConfig([
          "compression": [["algorithm": "quantization"], ["algorithm": "knowledge_distillation", "type": "mse"]],
          "accuracy_aware_training": ["mode": "early_exit", "params": ["maximal_absolute_accuracy_degradation": budget, "maximal_total_epochs": 3]],
        ]), loader)
    }
    let (_, generous) = try createCompressedModel(Model(Example.network()), config(100))
    #expect(try generous.fit(loader, validation: loader.dataset, epochs: 3, showsProgress: false).steps == 0)
    final class Distillation: TrainingCallback {
      var losses: [Double] = []
      func stepEnded(_ report: StepReport, _ trainer: Trainer) { losses.append(report.distillation ?? .nan) }
    }
    let distillation = Distillation()
    let (_, model) = try createCompressedModel(Model(Example.network()), config(100))
    // Without validation data there is nothing to be accurate on.
    #expect(try model.fit(loader, epochs: 1, callbacks: [distillation], showsProgress: false).steps == 6)
    #expect(distillation.losses.allSatisfy { $0.isFinite && $0 > 0 })
  }

  @Test("fit measures what the configuration asks for, agreement with the fp32 model included")
  func agreement() throws {
    let (_, model) = try Example.compressed()
    let result = try model.fit(Example.loader(), validation: Example.loader().dataset, epochs: 1, showsProgress: false) { $0.metrics = [.agreement] }
    let agreement = try #require(result.evaluation?.metrics["agreement"])
    #expect(agreement > 0.5 && agreement <= 1)
  }

  @Test("an fp32 model stays as it is when a quantized one is made of it, which starts from its trained values")
  func startsFromTrainedValues() throws {
    let fp32 = try Model(Example.network())
    try fp32.fit(Example.loader(), epochs: 1, showsProgress: false)
    let before = fp32.stateDictionary
    let (controller, model) = try createCompressedModel(fp32, registerDefaultInitArgs(Example.config(), Example.loader()))
    #expect(model.stateDictionary["conv1.weight"] == before["conv1.weight"])
    try model.fit(Example.loader(), epochs: 1, showsProgress: false)
    #expect(fp32.stateDictionary == before)
    #expect(model.stateDictionary["conv1.weight"] != before["conv1.weight"])
    // The controller speaks of the values in training.
    #expect(try controller.trainedGraph().constants["fc.bias"]?.tensor == model.stateDictionary["fc.bias"])
  }

  @Test("predicts what the network computes, for any number of samples, with the values of the moment")
  func predicts() throws {
    let model = try Model(Example.network())
    let samples = Tensor((0..<5 * 64).map { Float($0 % 7) / 7 }, shape: [5, 1, 8, 8])
    let all = try model.predict(samples)
    #expect(all.shape == [5, 4])
    let first = try model.predict(Tensor(Array((samples.floats ?? []).prefix(64)), shape: [1, 1, 8, 8]))
    for (one, other) in zip(first.floats ?? [], all.floats ?? []) { #expect(abs(one - other) < 1e-5) }
    try model.fit(Example.loader(), epochs: 1, showsProgress: false)
    #expect(try model.predict(samples) != all)
    #expect { try model.predict(Tensor(repeating: 0, shape: [1, 3, 8, 8])) } throws: { "\($0)".contains("found float32 [1, 3, 8, 8]") }
    #expect { try model.predict(["image": samples]) } throws: { "\($0)".contains("no input 'image'") && "\($0)".contains("'input'") }
  }

  @Test("a checkpoint brings back model, quantizers, optimizer and the user's objects")
  func checkpoint() throws {
    struct Note: Codable, Equatable, Sendable { var text: String, values: [Double] }
    let folder = try TemporaryFolder()
    let (controller, model) = try Example.compressed()
    let optimizer = model.makeOptimizer(OptimizerConfiguration(.adam))
    func train(_ model: Model, _ optimizer: ModelOptimizer, epoch: Int) throws {
      let batches = try Example.loader().batches(inEpoch: epoch)
      while let batch = try batches.next() {
        try model.loss(batch).backward()
        try optimizer.step()
      }
    }
    try train(model, optimizer, epoch: 0)
    let note = Note(text: "nach \"oben\"", values: [1, 0.1])
    let path = "\(folder.path)/deep/checkpoint/"
    for _ in 0..<2 {
      // The second time it replaces the first.
      try Checkpoint(
        stateDictionary: model.stateDictionary, compressionState: controller.compressionState, optimizer: optimizer.stateDictionary,
        objects: ["note": note, "epoch": 1]
      ).save(to: path)
    }
    let saved = try Checkpoint.restore(from: path)
    #expect(try saved.objects.object("note") == note)
    #expect(try saved.objects.object("epoch", as: Int.self) == 1)
    #expect { try saved.objects.object("epoch", as: Note.self) } throws: { "\($0)".contains("'epoch' cannot be read as Note") }
    #expect { try saved.objects.object("nothing", as: Int.self) } throws: { "\($0)".contains("'nothing'") }

    let (_, restored) = try createCompressedModel(Model(Example.network()), Example.config(), compressionState: saved.compressionState)
    try restored.load(stateDictionary: saved.stateDictionary)
    #expect(restored.stateDictionary == model.stateDictionary)
    let goesOn = restored.makeOptimizer(OptimizerConfiguration(.adam))
    try goesOn.load(stateDictionary: saved.optimizer)
    // Dropout's random numbers follow the steps of the model: both models count theirs from here.
    let (_, twin) = try createCompressedModel(Model(Example.network()), Example.config(), compressionState: saved.compressionState)
    try twin.load(stateDictionary: saved.stateDictionary)
    let twinOptimizer = twin.makeOptimizer(OptimizerConfiguration(.adam))
    try twinOptimizer.load(stateDictionary: saved.optimizer)
    try train(restored, goesOn, epoch: 1)
    try train(twin, twinOptimizer, epoch: 1)
    #expect(restored.stateDictionary == twin.stateDictionary)
    #expect(try #require(goesOn.stateDictionary["step"]).integers == [12])

    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)objects.json"))
    try Data(String(decoding: bytes, as: UTF8.self).replacing("1", with: "2").utf8).write(to: URL(fileURLWithPath: "\(path)objects.json"))
    #expect { try Checkpoint.restore(from: path) } throws: { "\($0)".contains("objects.json") }
    #expect { try Checkpoint.restore(from: "\(folder.path)/nowhere") } throws: { "\($0)".contains("there is no folder") }
  }

  @Test("a run of fit that goes on gives the bytes of one that was not stopped")
  func resumes() throws {
    let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
    func run(_ folder: TemporaryFolder, epochs: Int, resume: Bool) throws -> Model {
      let (_, model) = try Example.compressed()
      // The whole run's schedule, whatever part of it is done.
      var optimizer = OptimizerConfiguration()
      optimizer.schedule.kind = .constant
      try model.fit(
        Example.loader(), validation: Example.loader().dataset, epochs: epochs, optimizer: optimizer,
        callbacks: [CheckpointManagerCallback(folder.path) { ["seen": epochs] }], resume: resume, showsProgress: false)
      return model
    }
    let straight = try run(whole, epochs: 4, resume: false)
    _ = try run(parts, epochs: 2, resume: false)
    let resumed = try run(parts, epochs: 4, resume: true)
    #expect(resumed.stateDictionary == straight.stateDictionary)
    #expect(try Checkpoint.restore(from: parts.path).objects.object("seen", as: Int.self) == 4)
    let newest = try Checkpoint.restore(from: parts.path).state
    #expect(newest.history.count == 4)
    #expect(try Checkpoint.restore(from: "\(parts.path)/best").state.step == newest.best?.step)
    #expect { try run(parts, epochs: 4, resume: false) } throws: { "\($0)".contains("already holds a run") }
  }

  @Test("an fp32 file's notes go into the file of the compressed model, and an fp32 file has no fingerprint") func keepsNotes() throws {
    let folder = try TemporaryFolder()
    let notes = ["qat.normalize.mean": "0.5", "qat.normalize.std": "0.25"]
    try Model(Example.network()).export(to: "\(folder.path)/fp32.onnx", metadata: notes.merging([CompressionController.fingerprintKey: "0"]) { $1 })
    let fp32 = try Model.load("\(folder.path)/fp32.onnx")
    #expect(fp32.metadata == notes)
    let config = try NNCFConfig(["input_info": ["sample_size": [1, 1, 8, 8]], "compression": ["algorithm": "quantization"]])
    let (controller, model) = try createCompressedModel(fp32, config)
    #expect(
      controller.metadata == notes.merging([CompressionController.fingerprintKey: try #require(config.quantization).fingerprint(device: .any)]) { $1 }
    )
    let proof = try #require(try controller.exportModel(to: "\(folder.path)/int8.onnx"))
    #expect(proof.isProven && proof.isComplete && proof.count > 1000)
    try model.export(to: "\(folder.path)/model.onnx")
    let bytes = try ["int8", "model"].map { try Data(contentsOf: URL(filePath: "\(folder.path)/\($0).onnx")) }
    #expect(bytes[0] == bytes[1])
    #expect(try controller.metadata.allSatisfy { try Model.load("\(folder.path)/int8.onnx").metadata[$0.key] == $0.value })
    try Model.load("\(folder.path)/int8.onnx").export(to: "\(folder.path)/again.onnx")
    #expect(try Data(contentsOf: URL(filePath: "\(folder.path)/again.onnx")) == bytes[0])
  }

  @Test("exports OpenVINO IR with its constants beside it, and says that it is not read") func exportsIR() throws {
    let folder = try TemporaryFolder()
    let (controller, _) = try Example.compressed()
    #expect(try controller.exportModel(to: "\(folder.path)/int8.xml") == nil)
    for name in ["int8.xml", "int8.bin"] { #expect(FileManager.default.fileExists(atPath: "\(folder.path)/\(name)")) }
    #expect { try Model.load("\(folder.path)/int8.xml") } throws: { "\($0)".contains("written, not read") && "\($0)".contains("int8.xml") }
  }

  @Test("exports in every format that is read, and reads it back", arguments: ModelFormat.allCases.filter(\.isReadable))
  func exports(format: ModelFormat) throws {
    let folder = try TemporaryFolder()
    let (controller, model) = try Example.compressed()
    try model.fit(Example.loader(), epochs: 1, showsProgress: false)
    let path = "\(folder.path)/int8\(format.suffix)"
    try controller.exportModel(to: path)
    let read = try Model.load(path)
    #expect(read.graph.isQuantized)
    #expect(try abs(read.evaluate(Example.loader()).loss - model.evaluate(Example.loader()).loss) < 0.05)
    // The file says which configuration made its quantizers, and says it again.
    let fingerprint = try #require(controller.metadata[CompressionController.fingerprintKey])
    #expect(read.metadata[CompressionController.fingerprintKey] == fingerprint)
    // And how its inputs are prepared, as the loader does that initialised them.
    let prepared = try #require(Preprocessing(notes: read.metadata))
    let own = try Example.loader().preprocessing
    #expect(prepared.mean == own.mean && prepared.std == own.std)
    try read.export(to: "\(folder.path)/again\(format.suffix)", metadata: ["origin": "int8"])
    let again = try Model.load("\(folder.path)/again\(format.suffix)")
    #expect(again.metadata == read.metadata.merging(["origin": "int8"]) { own, _ in own })
    let fp32 = try Model(Example.network())
    try fp32.export(to: "\(folder.path)/fp32\(format.suffix)")
    #expect(try !Model.load("\(folder.path)/fp32\(format.suffix)").graph.isQuantized)
    #expect { try controller.exportModel(to: "\(folder.path)/model.h5") } throws: { "\($0)".contains("model.h5") && "\($0)".contains(".onnx") }
  }
}
