import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("Quantized layers run on their codes")
struct PlanIntegerTests {
  @Test("a layer equals plain integer arithmetic, bit for bit, for any number of threads", arguments: integerLayers)
  func exact(_ layer: any IntegerLayer) throws {
    let batch = 3
    let x = randomFloats(batch * layer.inputShape.elementCount, seed: 3)
    let expected = try layer.expected(x, batch: batch)
    let before = EngineEnvironment.threadCount
    defer { EngineEnvironment.threadCount = before }
    for (mode, threads) in [(Plan.Mode.evaluation, 1), (.training, 1), (.training, 2)] {
      EngineEnvironment.threadCount = threads
      let plan = try Plan(layer.graph, state: ModelState(layer.graph), batchSize: batch, mode: mode)
      #expect(plan.layers == [LayerArithmetic(node: "layer", reasonForFloat: nil)])
      _ = plan.input("x").update(fromContentsOf: x)
      // Twice: the second run must not see what the first one left in shared memory.
      for _ in 0..<2 { plan.forward() }
      #expect(Array(plan.output("y")) == expected)
    }
  }

  @Test("gradients are those of the plain kernels", arguments: integerLayers)
  func gradients(_ layer: any IntegerLayer) throws {
    try expectPlanMatchesPlainKernels(layer.graph, batchSize: 2)
  }

  @Test("codes pass a maximum, and floats are made where others ask for them")
  func sharedTensor() throws {
    var graph = IntegerCase(name: "shared").graph
    let channels = 16
    graph.nodes.append(Node(name: "pool", op: MaxPool(window: Window(kernel: [3, 3], pads: [1, 1, 1, 1])), inputs: ["xq"], outputs: ["pooled"]))
    graph.constants["w2"] = .init(Tensor(randomFloats(channels * channels * 9, seed: 12), shape: [channels, channels, 3, 3]), .parameter)
    graph.constants["w2.scale"] = .init(Tensor([1.1], shape: [1]), .parameter)
    graph.nodes += [
      Node(name: "w2|FQ", op: FakeQuantize(mode: .symmetric(signed: true), halfRange: true), inputs: ["w2", "w2.scale"], outputs: ["w2q"]),
      Node(name: "conv2", op: Convolution(window: Window(square: 3, pad: 1)), inputs: ["pooled", "w2q"], outputs: ["y2"]),
      Node(name: "sum", op: Add(), inputs: ["y", "y2"], outputs: ["s"]), Node(name: "residual", op: Add(), inputs: ["s", "xq"], outputs: ["z"]),
    ]
    graph.outputs = ["z"]
    try graph.validated()
    #expect(try Plan(graph, state: ModelState(graph), batchSize: 2, mode: .training).layers.map(\.isInteger) == [true, true])
    for mode in [Plan.Mode.evaluation, .training] { try expectPlanMatchesPlainKernels(graph, batchSize: 2, mode: mode) }
    // The quantized tensor as an output is what the quantizer gives in floats.
    graph.outputs = ["z", "xq"]
    try expectPlanMatchesPlainKernels(graph, batchSize: 2)
  }

  @Test("codes behind a batch norm are those of the values that its quantizer gives to others", arguments: [5, 8, 16, 40], [nil, Relu()] as [Relu?])
  func normalized(channels: Int, rectifier: Relu?) throws {
    var graph = IntegerCase(name: "normalized", channels: (channels, 16)).graph
    let shape = [channels, channels, 1, 1]
    graph.constants["w0"] = .init(Tensor(randomFloats(channels * channels, seed: 8), shape: shape), .parameter)
    for name in ["gamma", "beta"] { graph.constants[name] = .init(Tensor(randomFloats(channels, seed: 9), shape: [channels]), .parameter) }
    for name in ["mean", "variance"] { graph.constants[name] = .init(Tensor(repeating: 1, shape: [channels]), .statistic) }
    let quantizer = try #require(graph.nodes.firstIndex { $0.outputs == ["xq"] })
    let input = graph.nodes[quantizer].inputs[0]
    graph.nodes[quantizer].inputs[0] = rectifier == nil ? "n" : "r"
    graph.nodes.insert(
      contentsOf: [
        Node(name: "before", op: Convolution(window: Window(kernel: [1, 1])), inputs: [input, "w0"], outputs: ["c"]),
        Node(name: "bn", op: BatchNormalization(), inputs: ["c", "gamma", "beta", "mean", "variance"], outputs: ["n"]),
      ] + (rectifier.map { [Node(name: "relu", op: $0, inputs: ["n"], outputs: ["r"])] } ?? []), at: quantizer)
    graph.outputs = ["y", "xq"]
    let results = try [ForwardArithmetic.integer, .float].map { arithmetic in
      let plan = try Plan(graph, state: ModelState(graph), batchSize: 3, mode: .training, arithmetic: arithmetic)
      #expect(plan.layers.first { $0.node == "layer" }?.isInteger == (arithmetic == .integer))
      _ = plan.input("x").update(fromContentsOf: randomFloats(plan.input("x").count, seed: 3))
      plan.forward()
      return (values: Array(plan.output("xq")), sums: Array(plan.output("y")))
    }
    #expect(Set(results[0].values).count > 20)
    #expect(results[0].values == results[1].values)
    expectClose(results[0].sums, results[1].sums, 1e-5, "the layer behind", nil, #_sourceLocation)
  }

  @Test(
    "what is no number gives no numbers", arguments: ["x", "w", "x.scale", "w.scale"],
    [IntegerCase(name: "convolution"), LinearCase(name: "Gemm"), LinearCase(name: "MatMul", kind: .matMul)] as [any IntegerLayer])
  func undefined(_ tensor: String, _ layer: any IntegerLayer) throws {
    let graph = layer.graph
    let state = try ModelState(graph)
    let plan = try Plan(graph, state: state, batchSize: 1, mode: .training)
    let input = plan.input("x")
    _ = input.update(fromContentsOf: randomFloats(input.count, seed: 3))
    if tensor == "x" {
      input[input.count / 2] = .nan
    } else {
      let slot = try #require(state.parameterSlots.first { $0.name == tensor })
      state.parameters.elements[slot.range.lowerBound] = .nan
    }
    plan.forward()
    #expect(plan.output("y").contains { $0.isNaN })
  }

  @Test("codes pass movements and other shapes, and two layers share them") func movedTensor() throws {
    let (tokens, features) = (96, 64)
    var graph = LinearCase(name: "shared", inputs: features, outputs: 112).graph
    // As behind attention: the heads of each token side by side.
    graph.constants["w2"] = .init(Tensor(randomFloats(features * 112, seed: 12), shape: [112, features]), .parameter)
    graph.constants["w2.scale"] = .init(Tensor([1.1], shape: [1]), .parameter)
    graph.nodes += [
      Node(name: "w2|FQ", op: FakeQuantize(mode: .symmetric(signed: true), halfRange: true), inputs: ["w2", "w2.scale"], outputs: ["w2q"]),
      Node(name: "heads", op: Reshape(shape: [0, 4, tokens, features / 4]), inputs: ["xq"], outputs: ["heads"]),
      Node(name: "tokens first", op: Transpose(permutation: [0, 2, 1, 3]), inputs: ["heads"], outputs: ["moved"]),
      Node(name: "merged", op: Reshape(shape: [-1, features]), inputs: ["moved"], outputs: ["merged"]),
      Node(name: "second", op: Gemm(transposesB: true), inputs: ["merged", "w2q"], outputs: ["y2"]),
      Node(name: "third", op: Gemm(transposesB: true), inputs: ["rows", "w2q"], outputs: ["y3"]),
      Node(name: "sum", op: Add(), inputs: ["y2", "y3"], outputs: ["z"]),
    ]
    graph.outputs = ["y", "z"]
    try graph.validated()
    #expect(try Plan(graph, state: ModelState(graph), batchSize: 2, mode: .training).layers.map(\.isInteger) == [true, true, true])
    for mode in [Plan.Mode.evaluation, .training] { try expectPlanMatchesPlainKernels(graph, batchSize: 2, mode: mode) }
    // The quantized tensor as an output is what the quantizer gives in floats.
    graph.outputs.append("xq")
    try expectPlanMatchesPlainKernels(graph, batchSize: 2)
  }

  @Test("a whole network trains as in floats", arguments: ["resnet_small", "mobilenet_small"])
  func network(_ name: String) throws {
    let graph = quantizedEverywhere(try #require(architecture(named: name, classes: 10)))
    var results: [[Float]] = []
    for arithmetic in ForwardArithmetic.allCases {
      let state = try ModelState(graph)
      let plan = try Plan(graph, state: state, batchSize: 4, mode: .training, arithmetic: arithmetic)
      #expect(plan.layers.contains(where: \.isInteger) == (arithmetic == .integer))
      _ = plan.input(graph.inputs[0].name).update(fromContentsOf: randomFloats(plan.input(graph.inputs[0].name).count, seed: 1))
      plan.forward()
      plan.outputGradient(graph.outputs[0]).update(repeating: 0.01)
      _ = plan.outputGradient(graph.outputs[0]).update(fromContentsOf: randomFloats(plan.output(graph.outputs[0]).count, seed: 2))
      plan.backward()
      results.append(Array(plan.output(graph.outputs[0])) + Array(state.gradients))
    }
    // Roundings of the sums move single codes by one step, so the whole agrees, not each number.
    let distance = zip(results[0], results[1]).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    let size = results[1].reduce(0.0) { $0 + Double($1 * $1) }
    #expect(distance <= 1e-4 * size, "relative distance \((distance / size).squareRoot())")
  }

  @Test(
    "a layer says why it runs in floats",
    arguments: [
      (IntegerCase(name: "depthwise", channels: (32, 32), groups: 32), "conversions would cost more"),
      (IntegerCase(name: "groups of odd channels", channels: (33, 27), groups: 3), "no fast integer kernel"),
      (IntegerCase(name: "a pointwise one of few channels", window: Window(kernel: [1, 1])), "conversions would cost more"),
      (
        IntegerCase(name: "unsigned weights", weight: FakeQuantize(mode: .symmetric(signed: false), bits: 7, channelAxis: 0)),
        "not on signed symmetric grids"
      ),
      (IntegerCase(name: "channels", activation: FakeQuantize(mode: .symmetric(signed: false), channelAxis: 1)), "a grid for each channel"),
    ])
  func reasons(_ layer: IntegerCase, _ reason: String) throws {
    var graph = layer.graph
    if layer.activation.channelAxis != nil {
      graph.constants["x.scale"] = .init(Tensor(repeating: 1, shape: [layer.channels.inputs]), .parameter)
    }
    let plan = try Plan(graph, state: ModelState(graph), batchSize: 1, mode: .training)
    #expect(plan.layers.count == 1 && plan.layers[0].reasonForFloat?.contains(reason) == true, "\(plan.layers)")
    try expectPlanMatchesPlainKernels(graph)
  }

  @Test(
    "a linear layer says why it runs in floats",
    arguments: [
      (LinearCase(name: "a classifier", tokens: [1], inputs: 512, outputs: 1000), "conversions would cost more"),
      (LinearCase(name: "few tokens", kind: .matMul, tokens: [17]), "conversions would cost more"),
      (LinearCase(name: "unsigned weights", grid: FakeQuantize(mode: .symmetric(signed: false), bits: 7)), "not on signed symmetric grids"),
    ])
  func linearReasons(_ layer: LinearCase, _ reason: String) throws {
    for batch in [1, 64] {
      let plan = try Plan(layer.graph, state: ModelState(layer.graph), batchSize: batch, mode: .training)
      #expect(plan.layers.count == 1 && plan.layers[0].reasonForFloat?.contains(reason) == true, "\(plan.layers)")
    }
    try expectPlanMatchesPlainKernels(layer.graph)
  }

  @Test("matrix products of other forms run in floats", arguments: ["factor", "activations"]) func otherProducts(_ form: String) throws {
    var graph = LinearCase(name: "layer").graph
    if form == "factor" {
      graph.nodes[3].op = Gemm(alpha: 0.5, transposesB: true)
    } else {
      graph.nodes[2...] = [
        Node(name: "t", op: Transpose(permutation: [0, 2, 1]), inputs: ["xq"], outputs: ["xt"]),
        Node(name: "layer", op: MatMul(), inputs: ["xq", "xt"], outputs: ["y"]),
      ]
    }
    let reasons = try Plan(graph, state: ModelState(graph), batchSize: 2, mode: .training).layers.map(\.reasonForFloat)
    #expect(reasons.count == 1 && reasons[0]?.contains(form == "factor" ? "more than a product" : "two activations") == true, "\(reasons)")
    try expectPlanMatchesPlainKernels(graph, batchSize: 2)
  }

  @Test("transposed convolutions run in floats") func transposedConvolution() throws {
    var graph = IntegerCase(name: "layer").graph
    graph.nodes[2].op = ConvolutionTranspose(window: Window(kernel: [3, 3], pads: [1, 1, 1, 1]))
    let reasons = try Plan(graph, state: ModelState(graph), batchSize: 2, mode: .training).layers.map(\.reasonForFloat)
    #expect(reasons.count == 1 && reasons[0]?.contains("transposed") == true, "\(reasons)")
  }

  @Test("a layer without quantizers, and one whose user asks for floats, run in floats") func floats() throws {
    var graph = IntegerCase(name: "layer").graph
    let asked = try Plan(graph, state: ModelState(graph), batchSize: 1, mode: .training, arithmetic: .float)
    #expect(asked.layers.map(\.reasonForFloat) == ["float arithmetic was asked for"])
    graph.nodes[2].inputs[1] = "w"
    #expect(try Plan(graph, state: ModelState(graph), batchSize: 1, mode: .training).layers.map(\.reasonForFloat) == ["its weight is not quantized"])
    graph.nodes[2].inputs[0] = "x"
    #expect(try Plan(graph, state: ModelState(graph), batchSize: 1, mode: .training).layers.map(\.reasonForFloat) == ["its input is not quantized"])
  }
}
