import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

/// A graph of one operator on one input and, optionally, parameters.
private func graph(_ op: any Operator, input: [Int], parameters: [[Int]] = [], statistics: [[Int]] = []) throws -> Graph {
  var graph = Graph(name: "single", inputs: [.init(name: "x", type: TensorType([.batch] + input.map(Dimension.fixed)))], outputs: ["y"])
  var inputs = ["x"]
  for (index, shape) in parameters.enumerated() {
    graph.constants["p\(index)"] = .init(Tensor(randomFloats(shape.elementCount, seed: 7 + UInt64(index)), shape: shape), .parameter)
    inputs.append("p\(index)")
  }
  for (index, shape) in statistics.enumerated() {
    graph.constants["s\(index)"] = .init(Tensor(randomFloats(shape.elementCount, seed: 17 + UInt64(index)).map { 2 + $0 }, shape: shape), .statistic)
    inputs.append("s\(index)")
  }
  graph.nodes = [Node(name: "node", op: op, inputs: inputs, outputs: ["y"])]
  return graph
}

/// The operator between two pointwise convolutions, so that it runs in the blocked layout and its input has a gradient.
private func sandwiched(_ op: any Operator, channels: Int, size: Int, parameters: [[Int]] = []) throws -> Graph {
  var builder = NetworkBuilder(name: "sandwich", input: [3, size, size], seed: 5)
  let x = builder.convolution(builder.input, "before", channels: channels, kernel: 1)
  var graph = builder.graph(output: x)
  let output = graph.outputs[0]
  var inputs = [output]
  for (index, shape) in parameters.enumerated() {
    graph.constants["p\(index)"] = .init(
      Tensor(randomFloats(shape.elementCount, seed: 7 + UInt64(index)).map { abs($0) + 0.3 }, shape: shape), .parameter)
    inputs.append("p\(index)")
  }
  graph.nodes.append(Node(name: "node", op: op, inputs: inputs, outputs: ["y"]))
  graph.outputs = ["y"]
  return graph
}

@Suite("A plan computes what the plain kernels compute")
struct PlanOperatorTests {
  @Test(
    "convolutions with any stride, pad, dilation and group",
    arguments: [
      (16, 32, 3, 1, 1, 1, 1), (16, 32, 3, 2, 1, 1, 1), (3, 16, 7, 2, 3, 1, 1), (1, 8, 3, 1, 1, 1, 1), (24, 24, 3, 1, 1, 1, 24),
      (32, 32, 3, 2, 1, 1, 32),
      (16, 24, 1, 1, 0, 1, 1), (8, 8, 3, 1, 2, 2, 1), (12, 20, 3, 1, 0, 1, 4), (5, 7, 3, 1, 1, 1, 1),
    ])
  func convolution(_ inputs: Int, _ outputs: Int, _ kernel: Int, _ stride: Int, _ pad: Int, _ dilation: Int, _ groups: Int) throws {
    let window = Window(kernel: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], dilations: [dilation, dilation])
    let shape = [outputs, inputs / groups, kernel, kernel]
    for parameters in [[shape], [shape, [outputs]]] {
      try expectPlanMatchesPlainKernels(
        graph(Convolution(window: window, groups: groups), input: [inputs, 9, 9], parameters: parameters), "bias: \(parameters.count > 1)")
    }
  }

  @Test("convolutions over one and three dimensions")
  func volumes() throws {
    for (channels, groups) in [(3, 1), (16, 1), (16, 16)] {
      let line = Window(kernel: [3], strides: [2], pads: [1, 0])
      let weights = [[channels, channels / groups, 3], [channels]]
      try expectPlanMatchesPlainKernels(graph(Convolution(window: line, groups: groups), input: [channels, 9], parameters: weights), "\(channels)")
      let box = Window(kernel: [2, 3, 1], pads: [1, 0, 0, 0, 1, 0])
      let boxes = [[channels, channels / groups, 2, 3, 1], [channels]]
      try expectPlanMatchesPlainKernels(
        graph(Convolution(window: box, groups: groups), input: [channels, 4, 5, 3], parameters: boxes), "\(channels)")
    }
    for op in [MaxPool(window: Window(kernel: [2])), AveragePool(window: Window(kernel: [3], pads: [1, 1])), GlobalMaxPool()] as [any Operator] {
      var pooled = try graph(Convolution(window: Window(kernel: [1])), input: [4, 9], parameters: [[16, 4, 1]])
      pooled.nodes.append(Node(name: "pool", op: op, inputs: ["y"], outputs: ["z"]))
      pooled.outputs = ["z"]
      try expectPlanMatchesPlainKernels(pooled, "\(op)")
    }
  }

  @Test(
    "transposed convolutions with any stride, pad, dilation, group and output padding",
    arguments: [
      (16, 32, 2, 2, 0, 1, 1, 0), (16, 8, 3, 2, 1, 1, 1, 1), (5, 7, 3, 1, 1, 1, 1, 0), (12, 8, 3, 2, 0, 2, 4, 0), (16, 16, 4, 2, 1, 1, 16, 0),
      (3, 16, 3, 3, 1, 1, 1, 2), (32, 16, 3, 2, 1, 1, 2, 1),
    ])
  func transposedConvolution(
    _ inputs: Int, _ outputs: Int, _ kernel: Int, _ stride: Int, _ pad: Int, _ dilation: Int, _ groups: Int, _ padding: Int
  ) throws {
    let window = Window(kernel: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], dilations: [dilation, dilation])
    let op = ConvolutionTranspose(window: window, groups: groups, outputPadding: [padding, padding])
    let shape = [inputs, outputs / groups, kernel, kernel]
    for parameters in [[shape], [shape, [outputs]]] {
      try expectPlanMatchesPlainKernels(sandwiched(op, channels: inputs, size: 6, parameters: parameters), "bias: \(parameters.count > 1)")
    }
    try expectPlanMatchesPlainKernels(sandwiched(op, channels: inputs, size: 6, parameters: [shape, [outputs]]), mode: .evaluation)
  }

  @Test("asymmetric pads")
  func asymmetricPads() throws {
    let window = Window(kernel: [3, 3], strides: [2, 2], pads: [0, 1, 1, 2])
    try expectPlanMatchesPlainKernels(graph(Convolution(window: window), input: [4, 8, 7], parameters: [[6, 4, 3, 3]]))
  }

  @Test("batch normalisation in both modes", arguments: [Plan.Mode.training, .evaluation], [5, 16, 24])
  func batchNormalization(_ mode: Plan.Mode, _ channels: Int) throws {
    try expectPlanMatchesPlainKernels(
      graph(BatchNormalization(), input: [channels, 5, 5], parameters: [[channels], [channels]], statistics: [[channels], [channels]]), mode: mode)
  }

  @Test("frozen batch normalisation normalises with the running statistics in training", arguments: [5, 16, 24], [false, true])
  func frozenNormalization(_ channels: Int, withRelu: Bool) throws {
    var op = BatchNormalization()
    op.isFrozen = true
    var frozen = try graph(op, input: [channels, 5, 5], parameters: [[channels], [channels]], statistics: [[channels], [channels]])
    if withRelu, let output = frozen.outputs.first {
      frozen.nodes.append(Node(name: "relu", op: Relu(), inputs: [output], outputs: ["relu"]))
      frozen.outputs = ["relu"]
    }
    try expectPlanMatchesPlainKernels(frozen)
  }

  @Test("parameters that the graph fixes or lacks leave the gradients of the others as they are")
  func fixedParameters() throws {
    let op = FakeQuantize(mode: .symmetric(signed: true))
    let whole = try sandwiched(op, channels: 16, size: 6, parameters: [[1]])
    let quantizer = try #require(whole.nodes.firstIndex { $0.op is FakeQuantize })
    let scale = whole.nodes[quantizer].inputs[1]
    var without = whole
    without.nodes[quantizer] = Node(
      name: "nothing", op: Identity(), inputs: [whole.nodes[quantizer].inputs[0]], outputs: whole.nodes[quantizer].outputs)
    var fixed = whole
    fixed.constants[scale]?.role = .fixed
    for graph in [without, fixed] {
      // The same graph with a state of its own, which has no room for the scale.
      var own = graph
      if graph.nodes[quantizer].op is Identity { own.constants[scale] = nil }
      func gradients(_ graph: Graph, _ state: ModelState) throws -> [TensorName: [Float]] {
        state.gradients.update(repeating: .nan)
        let plan = try Plan(graph, state: state, batchSize: 2, mode: .training)
        let pixels = plan.input(graph.inputs[0].name)
        for index in pixels.indices { pixels[index] = Float(index % 17) / 8 - 1 }
        plan.forward()
        for output in graph.outputs { plan.outputGradient(output).update(repeating: 0.5) }
        var completed = 0
        plan.backward { progress in
          #expect(progress >= completed && progress <= state.parameters.count)
          completed = progress
        }
        #expect(completed == state.parameters.count)
        return Dictionary(uniqueKeysWithValues: state.parameterSlots.map { ($0.name, Array(state.gradients[$0.range])) })
      }
      let found = try gradients(graph, ModelState(whole))
      let expected = try gradients(own, ModelState(own))
      #expect(found[scale] == [0])
      for (name, gradient) in expected where name != scale { #expect(found[name] == gradient, "\(name)") }
    }
  }

  @Test("activations, row-major and blocked")
  func activations() throws {
    let ops: [any Operator] = [
      Relu(), Clip(lower: 0, upper: 6), Clip(lower: -0.5, upper: 0.7), Clip(lower: 0), LeakyRelu(alpha: 0.1), Sigmoid(), HardSwish(), Identity(),
      Dropout(ratio: 0.3), Softmax(axis: 1), Exp(), Abs(), Neg(), Tanh(), Elu(), Elu(alpha: 0.3), Elu(alpha: -0.5), Softplus(), Gelu(),
      Gelu(approximation: .tanh), Swish(), Swish(alpha: 1.7), Mish(),
    ]
    for op in ops {
      try expectPlanMatchesPlainKernels(sandwiched(op, channels: 20, size: 6), "\(op)")
      try expectPlanMatchesPlainKernels(graph(op, input: [4, 3, 3]), mode: .evaluation, "\(op)")
    }
  }

  @Test("functions of positive numbers, row-major and blocked")
  func functionsOfPositiveNumbers() throws {
    for op in [Log(), Sqrt()] as [any Operator] {
      for channels in [4, 20] {
        var positive = try sandwiched(Sigmoid(), channels: channels, size: 6)
        positive.nodes.append(Node(name: "function", op: op, inputs: ["y"], outputs: ["z"]))
        positive.outputs = ["z"]
        try expectPlanMatchesPlainKernels(positive, "\(op), \(channels) channels")
      }
    }
  }

  @Test("poolings and means")
  func poolings() throws {
    let ops: [any Operator] = [
      MaxPool(window: .init(square: 3, stride: 2, pad: 1)), MaxPool(window: .init(square: 2, stride: 2)),
      MaxPool(window: .init(kernel: [3, 2], strides: [2, 1], roundsUp: true)), AveragePool(window: .init(square: 3, stride: 2, pad: 1)),
      AveragePool(window: .init(square: 3, stride: 2, pad: 1), countsPadding: true), AveragePool(window: .init(square: 2, stride: 2)),
      Resize(.scales([1, 1, 2, 2]), .nearest(.floor), .asymmetric), Resize(.scales([1, 1, 2, 1.5]), .linear),
      GlobalAveragePool(), GlobalMaxPool(), LpPool(window: .init(square: 2, stride: 2)),
      AveragePool(window: .init(kernel: [2, 2], dilations: [2, 1])),
      AveragePool(window: .init(kernel: [2, 2], strides: [2, 2], roundsUp: true)), ReduceMean(axes: [2, 3], keepsDimensions: false),
      ReduceMean(axes: [-1]), ReduceMean(axes: [2, 3]),
    ]
    for op in ops { try expectPlanMatchesPlainKernels(sandwiched(op, channels: 20, size: 7), "\(op)") }
  }

  @Test("shapes")
  func shapes() throws {
    let ops: [any Operator] = [Flatten(), Reshape(shape: [0, -1]), Reshape(shape: [-1, 5, 4, 36]), Transpose(permutation: [0, 2, 3, 1])]
    for op in ops { try expectPlanMatchesPlainKernels(sandwiched(op, channels: 20, size: 6), "\(op)") }
  }

  @Test("movements")
  func movements() throws {
    let ops: [any Operator] = [
      Slice(axes: [1, 3], starts: [3, -1], ends: [17, 0], steps: [2, -1]), Pad(pads: [0, 0, 1, 2, 0, 1, 0, -1], mode: .constant(0.5)),
      Pad(pads: [0, 0, 1, 2, 0, 0, 2, 1], mode: .reflect), Pad(pads: [0, 0, 1, 2, 0, 0, 2, 1], mode: .edge), Expand(shape: [2, 1, 1, 1, 1]),
      Tile(repeats: [1, 1, 2, 3]), Trilu(keepsUpper: false, diagonal: 1), DepthToSpace(blockSize: 2),
      DepthToSpace(blockSize: 2, order: .columnRowDepth), SpaceToDepth(blockSize: 3),
    ]
    for op in ops { try expectPlanMatchesPlainKernels(sandwiched(op, channels: 20, size: 6), "\(op)") }
  }

  @Test(
    "weights whose neighbouring codes are limited together, in every arrangement",
    arguments: [
      (Convolution(window: Window(square: 3)), [8, 4, 3, 3]), (Convolution(window: Window(square: 3)), [8, 3, 3, 3]),
      (Convolution(window: Window(square: 2), groups: 2), [6, 5, 2, 2]), (Gemm(transposesB: true), [5, 12]), (Gemm(), [12, 5]), (MatMul(), [9, 16]),
    ] as [(any Operator, [Int])], [true, false])
  func limitedNeighbours(layer: (op: any Operator, shape: [Int]), perChannel: Bool) throws {
    let (op, shape) = layer
    let node = Node(name: "layer", op: op, inputs: ["x", "q"], outputs: ["y"])
    let pairing = try #require(node.weightPairing(port: 1, shape: shape))
    let outputs = shape[pairing.outputAxis]
    let inputs = node.as(Convolution.self).map { shape[1] * $0.groups } ?? shape[pairing.inputAxis]
    let image = shape.count == 4 ? [Dimension.batch, .fixed(inputs), 5, 5] : [.batch, .fixed(inputs)]
    var graph = Graph(name: "limited", inputs: [.init(name: "x", type: TensorType(image))], outputs: ["y"])
    // Many large codes of one sign.
    let weights = randomFloats(shape.reduce(1, *), seed: 3).map { $0 > -0.3 ? 0.7 + $0 / 5 : $0 }
    graph.constants["w"] = .init(Tensor(weights, shape: shape), .parameter)
    let scales = (0..<(perChannel ? outputs : 1)).map { 0.8 + 0.05 * Float($0) }
    graph.constants["scale"] = .init(Tensor(scales, shape: [scales.count]), .parameter)
    let quantizer = FakeQuantize(
      mode: .symmetric(signed: true), narrowRange: true, pairing: pairing, channelAxis: perChannel ? pairing.outputAxis : nil)
    graph.nodes = [Node(name: "quantizer", op: quantizer, inputs: ["w", "scale"], outputs: ["q"]), node]
    try expectPlanMatchesPlainKernels(graph, "\(op) \(shape)")
    // There is something to limit.
    var unlimited = quantizer
    unlimited.pairing = nil
    let grids = scales.map { quantizer.floatGrid(scale: $0) }
    #expect(quantizer.codes(of: weights, shape: shape, grids) != unlimited.codes(of: weights, shape: shape, grids))
  }

  @Test("a bias rounded to whole accumulator steps, behind quantizers of every kind", arguments: [true, false], [true, false])
  func roundedBias(isAsymmetric: Bool, perChannel: Bool) throws {
    var graph = Graph(name: "rounded", inputs: [.init(name: "x", type: TensorType([.batch, .fixed(6)]))], outputs: ["y"])
    let input = FakeQuantize(mode: isAsymmetric ? .asymmetric : .symmetric(signed: true), hasPowerOfTwoStep: !isAsymmetric)
    let weight = FakeQuantize(mode: .symmetric(signed: true), bits: 4, channelAxis: perChannel ? 0 : nil)
    func add(_ name: String, _ values: [Float], _ shape: [Int]) { graph.constants[name] = .init(Tensor(values, shape: shape), .parameter) }
    add("w", randomFloats(30, seed: 3), [5, 6])
    add("w.scale", (0..<(perChannel ? 5 : 1)).map { 0.8 + 0.05 * Float($0) }, [perChannel ? 5 : 1])
    add("b", randomFloats(5, seed: 4), [5])
    let parameters = isAsymmetric ? ["x.low", "x.range"] : ["x.scale"]
    add(parameters[0], [isAsymmetric ? -0.9 : 0.9], [1])
    if isAsymmetric { add("x.range", [1.7], [1]) }
    graph.nodes = [
      Node(name: "x|OUTPUT", op: input, inputs: ["x"] + parameters, outputs: ["xq"]),
      Node(name: "w|WEIGHT", op: weight, inputs: ["w", "w.scale"], outputs: ["wq"]),
      Node(name: "b|BIAS", op: RoundBias(input: input, weight: weight), inputs: ["b"] + parameters + ["w.scale"], outputs: ["bq"]),
      Node(name: "layer", op: Gemm(transposesB: true), inputs: ["xq", "wq", "bq"], outputs: ["y"]),
    ]
    try expectPlanMatchesPlainKernels(graph, "asymmetric \(isAsymmetric), per channel \(perChannel)")
  }

  @Test("an embedding whose table is quantized, as a whole or by rows", arguments: [nil, 0] as [Int?])
  func quantizedEmbedding(axis: Int?) throws {
    var graph = Graph(name: "embedding", inputs: [.init(name: "x", type: TensorType([.batch, .fixed(6)]))], outputs: ["y"])
    graph.constants["table"] = .init(Tensor(randomFloats(12, seed: 3), shape: [3, 4]), .parameter)
    let scales: [Float] = axis == nil ? [0.8] : [0.5, 0.8, 1.1]
    graph.constants["scale"] = .init(Tensor(scales, shape: [scales.count]), .parameter)
    let quantizer = FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: axis)
    graph.nodes = [
      Node(name: "indices", op: Cast(to: .int64), inputs: ["x"], outputs: ["i"]),
      Node(name: "quantizer", op: quantizer, inputs: ["table", "scale"], outputs: ["q"]),
      Node(name: "rows", op: Gather(), inputs: ["q", "i"], outputs: ["y"]),
    ]
    try expectPlanMatchesPlainKernels(graph, "axis \(axis.map(String.init) ?? "none")")
  }

  @Test("embeddings, tokens repeated for each sample, and masks of integers")
  func selections() throws {
    var graph = Graph(name: "tokens", inputs: [.init(name: "x", type: TensorType([.batch, 6]))], outputs: ["y"])
    graph.constants["table"] = .init(Tensor(randomFloats(12, seed: 3), shape: [3, 4]), .parameter)
    graph.constants["token"] = .init(Tensor(randomFloats(4, seed: 4), shape: [1, 1, 4]), .parameter)
    graph.constants["zero"] = .init(Tensor(shape: [], elements: .int64([0])), .fixed)
    graph.nodes = [
      // Inputs of the comparison are −1.5...1.5, so indices are −1, 0 and 1.
      Node(name: "indices", op: Cast(to: .int64), inputs: ["x"], outputs: ["i"]),
      Node(name: "embedding", op: Gather(), inputs: ["table", "i"], outputs: ["e"]),
      Node(name: "first", op: Expand(shape: [.batch, 1, 4]), inputs: ["token"], outputs: ["t"]),
      Node(name: "join", op: Concat(axis: 1), inputs: ["t", "e"], outputs: ["j"]),
      Node(name: "mask", op: Equal(), inputs: ["i", "zero"], outputs: ["m"]),
      Node(name: "column", op: Reshape(shape: [0, 6, 1]), inputs: ["m"], outputs: ["c"]),
      Node(name: "rest", op: Slice(axes: [1], starts: [1], ends: [7]), inputs: ["j"], outputs: ["r"]),
      Node(name: "choice", op: Where(), inputs: ["c", "e", "r"], outputs: ["w"]),
      Node(name: "sum", op: Add(), inputs: ["w", "t"], outputs: ["y"]),
    ]
    try expectPlanMatchesPlainKernels(graph)
    try expectPlanMatchesPlainKernels(graph, batchSize: 1, mode: .evaluation)
  }

  @Test("matrix products")
  func products() throws {
    try expectPlanMatchesPlainKernels(graph(Gemm(transposesB: true), input: [12], parameters: [[7, 12], [7]]))
    try expectPlanMatchesPlainKernels(graph(Gemm(), input: [12], parameters: [[12, 7], [7]]))
    try expectPlanMatchesPlainKernels(graph(Gemm(alpha: 0.5, beta: 2), input: [12], parameters: [[12, 7], [7]]))
    try expectPlanMatchesPlainKernels(graph(Gemm(transposesB: true), input: [12], parameters: [[7, 12]]))
    try expectPlanMatchesPlainKernels(graph(MatMul(), input: [4, 12], parameters: [[12, 7]]))
    for (rows, other) in [
      ([4, 12], [12, 7]), ([2, 4, 12], [12, 7]), ([12], [12, 7]), ([2, 4, 12], [2, 12, 7]), ([4, 12], [1, 12, 7]), ([12], [12]),
    ] {
      try expectPlanMatchesPlainKernels(graph(MatMul(), input: rows, parameters: [other]), "\(rows) by \(other)")
    }
  }

  @Test("products of two activations, as in attention")
  func productsOfActivations() throws {
    // softmax(q · kᵀ) · v with all three made from x by a linear layer.
    var attention = try graph(MatMul(), input: [5, 8], parameters: [[8, 8], [8, 8], [8, 8]])
    attention.nodes = [
      Node(name: "q", op: MatMul(), inputs: ["x", "p0"], outputs: ["q"]), Node(name: "k", op: MatMul(), inputs: ["x", "p1"], outputs: ["k"]),
      Node(name: "v", op: MatMul(), inputs: ["x", "p2"], outputs: ["v"]),
      Node(name: "t", op: Transpose(permutation: [0, 2, 1]), inputs: ["k"], outputs: ["t"]),
      Node(name: "scores", op: MatMul(), inputs: ["q", "t"], outputs: ["scores"]),
      Node(name: "weights", op: Softmax(), inputs: ["scores"], outputs: ["weights"]),
      Node(name: "result", op: MatMul(), inputs: ["weights", "v"], outputs: ["y"]),
    ]
    try expectPlanMatchesPlainKernels(attention)
    try expectPlanMatchesPlainKernels(attention, mode: .evaluation)
  }

  @Test("softmaxes and their logarithms over any axis")
  func softmaxes() throws {
    for axis in [1, 2, 3, -1] {
      try expectPlanMatchesPlainKernels(sandwiched(Softmax(axis: axis), channels: 20, size: 6), "axis \(axis)")
      try expectPlanMatchesPlainKernels(sandwiched(LogSoftmax(axis: axis), channels: 20, size: 6), "axis \(axis)")
    }
  }

  @Test("normalisations of samples", arguments: [Plan.Mode.training, .evaluation])
  func sampleNormalizations(_ mode: Plan.Mode) throws {
    for (axis, shape) in [(-1, [6]), (2, [6, 6]), (1, [20, 6, 6]), (-1, [1]), (-1, [6, 1])] {
      let op = LayerNormalization(axis: axis, epsilon: 1e-3)
      try expectPlanMatchesPlainKernels(sandwiched(op, channels: 20, size: 6, parameters: [shape, shape]), mode: mode, "\(op) \(shape)")
      try expectPlanMatchesPlainKernels(sandwiched(op, channels: 20, size: 6, parameters: [shape]), mode: mode, "\(op) \(shape), no bias")
    }
    for op in [InstanceNormalization(), GroupNormalization(groups: 4)] as [any Operator] {
      try expectPlanMatchesPlainKernels(sandwiched(op, channels: 20, size: 6, parameters: [[20], [20]]), mode: mode, "\(op)")
    }
    try expectPlanMatchesPlainKernels(sandwiched(LocalResponseNormalization(size: 5, alpha: 0.1), channels: 20, size: 6), mode: mode)
  }

  @Test("broadcasting arithmetic")
  func broadcasting() throws {
    for op in [Add(), Mul()] as [any Operator] {
      for small in [[4, 1, 1], [1], [], [6], [5, 1], [1, 4, 5, 6], [1, 1, 5, 1]] {
        try expectPlanMatchesPlainKernels(graph(op, input: [4, 5, 6], parameters: [small]), "\(op) \(small)")
      }
      // Behind a convolution the channels lie in blocks, which 20 of them do not fill.
      for channels in [16, 32, 20] {
        for small in [[channels, 1, 1], [1, 1, 1, 1], [1, 6, 6], [channels, 6, 1], [6]] {
          try expectPlanMatchesPlainKernels(sandwiched(op, channels: channels, size: 6, parameters: [small]), "\(op) \(small), \(channels) channels")
        }
      }
      // One axis is repeated in each.
      try expectPlanMatchesPlainKernels(graph(op, input: [4, 1, 6], parameters: [[4, 5, 1]]), "\(op) of both")
    }
  }

  @Test("gates of channels that are computed", arguments: [16, 24]) func gates(channels: Int) throws {
    var gated = try sandwiched(Mul(), channels: channels, size: 6)
    let x = gated.nodes[gated.nodes.count - 1].inputs[0]
    gated.nodes.insert(Node(name: "pool", op: GlobalAveragePool(), inputs: [x], outputs: ["p"]), at: gated.nodes.count - 1)
    gated.nodes.insert(Node(name: "gate", op: Sigmoid(), inputs: ["p"], outputs: ["g"]), at: gated.nodes.count - 1)
    for inputs in [[x, "g"], ["g", x]] {
      gated.nodes[gated.nodes.count - 1].inputs = inputs
      try expectPlanMatchesPlainKernels(gated, "\(inputs)")
      try expectPlanMatchesPlainKernels(gated, mode: .evaluation, "\(inputs)")
    }
  }

  @Test(
    "fake quantizers of every kind, per tensor and per channel",
    arguments: [
      FakeQuantize(mode: .symmetric(signed: true)), FakeQuantize(mode: .symmetric(signed: false)), FakeQuantize(mode: .asymmetric),
      FakeQuantize(mode: .symmetric(signed: true), narrowRange: true), FakeQuantize(mode: .symmetric(signed: true), halfRange: true),
      FakeQuantize(mode: .symmetric(signed: true), bits: 4), FakeQuantize(mode: .symmetric(signed: true), channelAxis: 1),
      FakeQuantize(mode: .asymmetric, channelAxis: 1), FakeQuantize(mode: .symmetric(signed: true), isLogarithmic: true),
      FakeQuantize(mode: .asymmetric, channelAxis: 1, isLogarithmic: true, gradientMultiplier: 0.5),
      FakeQuantize(mode: .symmetric(signed: true), gradientMultiplier: 2), FakeQuantize(mode: .symmetric(signed: true), hasPowerOfTwoStep: true),
      FakeQuantize(mode: .symmetric(signed: false), channelAxis: 1, hasPowerOfTwoStep: true),
      FakeQuantize(mode: .symmetric(signed: true), channelAxis: 1, isLogarithmic: true, hasPowerOfTwoStep: true, gradientMultiplier: 0.5),
    ])
  func fakeQuantize(_ op: FakeQuantize) throws {
    for channels in [16, 20] {
      let parameter = [op.channelAxis == nil ? 1 : channels]
      let parameters = op.mode == .asymmetric ? [parameter, parameter] : [parameter]
      // A value beside a rounding tie may fall on either side, as the convolution before rounds differently.
      try expectPlanMatchesPlainKernels(sandwiched(op, channels: channels, size: 6, parameters: parameters), tolerance: 2e-2, "\(channels) channels")
    }
  }
}
