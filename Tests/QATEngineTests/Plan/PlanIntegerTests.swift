import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("Quantized layers run on their codes")
struct PlanIntegerTests {
  @Test("a convolution equals plain integer arithmetic, bit for bit, for any number of threads", arguments: IntegerCase.all)
  func exact(_ layer: IntegerCase) throws {
    let batch = 3
    let x = randomFloats(batch * layer.channels.inputs * layer.size.elementCount, seed: 3)
    let expected = try layer.expected(x, batch: batch)
    let before = EngineEnvironment.threadCount
    defer { EngineEnvironment.threadCount = before }
    for (mode, threads) in [(Plan.Mode.evaluation, 1), (.training, 1), (.training, 2)] {
      EngineEnvironment.threadCount = threads
      let plan = try Plan(layer.graph, state: ModelState(layer.graph), batchSize: batch, mode: mode)
      #expect(plan.layers == [LayerArithmetic(node: "conv", reasonForFloat: nil)])
      _ = plan.input("x").update(fromContentsOf: x)
      // Twice: the second run must not see what the first one left in shared memory.
      for _ in 0..<2 { plan.forward() }
      #expect(Array(plan.output("y")) == expected)
    }
  }

  @Test("gradients are those of the plain kernels", arguments: IntegerCase.all)
  func gradients(_ layer: IntegerCase) throws {
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

  @Test("what is no number gives no numbers", arguments: ["x", "w", "x.scale", "w.scale"])
  func undefined(_ tensor: String) throws {
    let graph = IntegerCase(name: "layer").graph
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
