import QAT
import Testing

@Suite("Misuse of the workflow is an error with the remedy")
struct MisuseTests {
  @Test("quantizing twice")
  func twice() throws {
    let (_, model) = try Example.compressed()
    #expect { try createCompressedModel(model, Example.config()) } throws: { "\($0)".contains("quantized already") && "\($0)".contains("fp32") }
  }

  @Test("the quantization of another network")
  func stateOfAnotherModel() throws {
    let (controller, _) = try Example.compressed()
    var net = NetworkBuilder(name: "other", input: [1, 8, 8])
    let other = net.graph(output: net.linear(net.flatten(net.input, "flatten"), "last", features: 4))
    #expect { try createCompressedModel(Model(other), Example.config(), compressionState: controller.compressionState) } throws: {
      "\($0)".contains("does not belong to the network 'other'")
    }
  }

  @Test("a state dictionary of another network: all faults at once, and nothing changes")
  func dictionaryOfAnotherModel() throws {
    let model = try Model(Example.network())
    var tensors = try Model(Example.network(classes: 7)).stateDictionary
    tensors["conv1.weight"] = nil
    tensors["head.weight"] = Tensor(repeating: 0, shape: [1])
    tensors["bn1.num_batches_tracked"] = Tensor(int64: [3])
    let before = model.stateDictionary
    let error = #expect(throws: TrainingError.self) { try model.load(stateDictionary: tensors) }
    for part in ["'conv1.weight' is missing", "'head.weight' is not a tensor", "'fc.weight' is float32 [7, 8], expected float32 [4, 8]", "'fc.bias'"]
    {
      #expect(error?.description.contains(part) == true, "\(part)")
    }
    #expect(error?.description.contains("num_batches_tracked") == false)
    #expect(model.stateDictionary == before)
    let match = try model.load(stateDictionary: tensors, strict: false)
    #expect(match.missing == ["conv1.weight"] && match.unexpected == ["head.weight"] && match.misfits.map(\.name) == ["fc.bias", "fc.weight"])
    #expect(model.stateDictionary["fc.weight"] == before["fc.weight"])
  }

  @Test("pieces of a step out of order")
  func order() throws {
    let (_, model) = try Example.compressed()
    let optimizer = model.makeOptimizer()
    #expect { try optimizer.step() } throws: { "\($0)".contains("model.loss(batch)") }
    let batch = try #require(try Example.loader().batches().next())
    let loss = try model.loss(batch)
    #expect { try optimizer.step() } throws: { "\($0)".contains("follows backward()") }
    let before = model.stateDictionary
    try loss.backward()
    #expect { try loss.backward() } throws: { "\($0)".contains("once for each") }
    try model.loss(batch).backward()
    try optimizer.step()
    #expect(model.stateDictionary != before)
    #expect { try optimizer.step() } throws: { "\($0)".contains("no new gradients") }
  }

  @Test("batches that do not fit the network")
  func unfit() throws {
    let model = try Model(Example.network(classes: 2))
    #expect { try model.loss(try #require(try Example.loader().batches().next())) } throws: { "\($0)".contains("tells 2 classes apart") }
    let large = DataLoader(try openDataset("synthetic:1,9,9,2,16", split: .train), batchSize: 8)
    #expect { try model.loss(try #require(try large.batches().next())) } throws: { "\($0)".contains("81 values") && "\($0)".contains("64") }
  }

  @Test("a loss that is not finite moves nothing")
  func notFinite() throws {
    let model = try Model(Example.network())
    var poisoned = model.stateDictionary
    poisoned["fc.bias"] = Tensor([.nan, 0, 0, 0], shape: [4])
    try model.load(stateDictionary: poisoned)
    let optimizer = model.makeOptimizer()
    try model.loss(try #require(try Example.loader().batches().next())).backward()
    #expect { try optimizer.step() } throws: { ($0 as? TrainingError)?.kind == .numerical }
    #expect(model.stateDictionary["fc.weight"] == poisoned["fc.weight"])
  }

  @Test("input_info of another shape, and a configuration with faults")
  func configuration() throws {
    let wrong = try NNCFConfig(["input_info": ["sample_size": [1, 3, 224, 224]], "compression": ["algorithm": "quantization"]])
    #expect { try createCompressedModel(Model(Example.network()), wrong) } throws: { "\($0)".contains("sample_size [1, 3, 224, 224]") }
    #expect { try NNCFConfig(["compression": ["algorithm": "quantisation", "presett": "mixed"]]) } throws: { "\($0)".contains("quantisation") }
  }

  @Test("callbacks that do not go with the run")
  func callbacks() throws {
    let model = try Model(Example.network())
    let loader = try Example.loader()
    #expect { try model.fit(loader, epochs: 1, callbacks: [EarlyStopping(patience: 1)], showsProgress: false) } throws: {
      "\($0)".contains("no validation data")
    }
    #expect { try model.fit(loader, epochs: 1, resume: true, showsProgress: false) } throws: { "\($0)".contains("CheckpointManagerCallback") }
    let managers = ["a", "b"].map { CheckpointManagerCallback($0) }
    #expect { try model.fit(loader, epochs: 1, callbacks: managers, showsProgress: false) } throws: { "\($0)".contains("one checkpoint folder") }
  }

  @Test("going on from a run of another configuration")
  func otherRun() throws {
    let folder = try TemporaryFolder()
    try Model(Example.network()).fit(Example.loader(), epochs: 1, callbacks: [CheckpointManagerCallback(folder.path)], showsProgress: false)
    var adam = OptimizerConfiguration(.adam)
    adam.baseLearningRate = 0.1
    #expect {
      try Model(Example.network()).fit(
        Example.loader(), epochs: 2, optimizer: adam, callbacks: [CheckpointManagerCallback(folder.path)], resume: true, showsProgress: false)
    } throws: { "\($0)".contains("optimizer.type") && "\($0)".contains("Adam") && "\($0)".contains("SGD") }
  }
}
