import QAT
import Testing

/// Tokens whose class is whether the first one is large, or images whose left half is of one class and whose right half of the other.
private struct Labelled: Dataset {
  let name = "labelled", count = 64, contentHash: UInt64 = 7
  let inputs: [SampleInput]
  let target: SampleTarget

  static let tokens = Labelled(inputs: [SampleInput(shape: [16])], target: .classes(shape: [], count: 2))
  static let pixels = Labelled(inputs: [SampleInput(shape: [1, 28, 28])], target: .classes(shape: [28, 28], count: 2))
  static let numbers = Labelled(inputs: [SampleInput(shape: [1, 8, 8])], target: .numbers(shape: [1]))

  func read(_ index: Int, into sample: Sample) {
    let input = sample.input(0)
    for place in input.indices {
      switch inputs[0].content {
      case .tensor: input[place] = Float((index * 31 + place * 17) % 1000)
      case .image: input[place] = Float((index + place) % 28) / 28
      }
    }
    for place in sample.classes.indices { sample.classes[place] = sample.classes.count == 1 ? (input[0] > 500 ? 1 : 0) : place % 28 < 14 ? 0 : 1 }
    for place in sample.numbers.indices { sample.numbers[place] = input[place] }
  }
}

@Suite("Models on targets of every kind")
struct TargetTests {
  private func check(_ model: Model, _ dataset: Labelled) throws {
    let loader = DataLoader(dataset, batchSize: 16)
    let before = try model.evaluate(loader).loss
    var optimizer = OptimizerConfiguration(.adam)
    optimizer.baseLearningRate = 0.01
    optimizer.schedule.kind = .constant
    try model.fit(loader, epochs: 3, optimizer: optimizer, showsProgress: false)
    let fitted = try model.evaluate(loader).loss
    #expect(fitted < before, "the loss went from \(before) to \(fitted)")
    let stepper = model.makeOptimizer(optimizer)
    for epoch in 0..<3 {
      let batches = try loader.batches(inEpoch: epoch)
      while let batch = try batches.next() {
        try model.loss(batch).backward()
        try stepper.step()
      }
    }
    let looped = try model.evaluate(loader).loss
    #expect(looped < before)
  }

  @Test("a BERT encoder learns from token numbers, also quantized")
  func tokens() throws {
    let model = try Model(architecture: "bert_small", classes: 2, seed: 1)
    try check(model, .tokens)
    let config = registerDefaultInitArgs(
      try NNCFConfig(["compression": ["algorithm": "quantization", "initializer": ["range": ["num_init_samples": 16]]]]),
      DataLoader(Labelled.tokens, batchSize: 16))
    let (controller, quantized) = try createCompressedModel(model, config)
    #expect(controller.statistics().weights.total > 10)
    try quantized.fit(DataLoader(Labelled.tokens, batchSize: 16), epochs: 1, showsProgress: false)
  }

  @Test("a U-Net learns a class for each pixel")
  func pixels() throws { try check(Model(architecture: "unet_small", classes: 2, seed: 1), .pixels) }

  @Test("a criterion of another kind is minimised by fit and by a loop, and kept when the model is quantized")
  func numbers() throws {
    let model = try Model(Sequential("regression", input: [1, 8, 8], [.flatten, .linear(8), .relu, .linear(1)]).graph(seed: 2))
    model.criterion = LossConfiguration(.mse)
    try check(model, .numbers)
    let config = registerDefaultInitArgs(try Example.config(), DataLoader(Labelled.numbers, batchSize: 16))
    #expect(try createCompressedModel(model, config).model.criterion == model.criterion)
  }
}
