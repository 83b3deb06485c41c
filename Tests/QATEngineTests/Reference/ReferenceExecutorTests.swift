import QATEngine
import QATGraph
import QATTensor
import Testing

@Suite struct ReferenceExecutorTests {
  private func scalars(_ nodes: [Node], inputs: [TensorName] = ["x"], outputs: [TensorName] = ["y"]) -> Graph {
    Graph(name: "test", inputs: inputs.map { .init(name: $0, type: TensorType([.batch])) }, outputs: outputs, nodes: nodes)
  }

  private func node(_ name: String, _ op: any Operator, _ inputs: [TensorName], _ outputs: [TensorName]) -> Node {
    Node(name: name, op: op, inputs: inputs, outputs: outputs)
  }

  @Test func aTensorReadSeveralTimesGetsTheSumOfItsGradients() throws {
    // y = x · x + relu(x) + x, so dy/dx = 2 x + [x > 0] + 1.
    let graph = scalars([
      node("square", Mul(), ["x", "x"], ["s"]), node("relu", Relu(), ["x"], ["r"]), node("sum", Add(), ["s", "r"], ["t"]),
      node("total", Add(), ["t", "x"], ["y"]),
    ])
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 2)
    let values = try executor.forward(["x": NDArray([3, -2], shape: [2])], mode: .training)
    #expect(values["y"]?.elements == [15, 2])
    let gradients = try executor.backward(outputGradients: ["y": NDArray([1, 10], shape: [2])])
    #expect(gradients["x"]?.elements == [8, -30])
    #expect(gradients["s"]?.elements == [1, 10])
  }

  @Test func gradientsOfSeveralOutputsAddUpAndBranchesWithoutAnyAreLeftOut() throws {
    let graph = scalars(
      [
        node("first", Relu(), ["x"], ["a"]), node("second", LeakyRelu(alpha: 0.5), ["a"], ["b"]), node("third", Sigmoid(), ["z"], ["c"]),
      ], inputs: ["x", "z"], outputs: ["a", "b", "c"])
    var executor = try ReferenceExecutor<Double>(graph, batchSize: 1)
    let one = NDArray<Double>([1], shape: [1])
    try executor.forward(["x": one, "z": one], mode: .evaluation)
    let gradients = try executor.backward(outputGradients: ["a": NDArray([2], shape: [1]), "b": NDArray([5], shape: [1])])
    #expect(gradients["x"]?.elements == [7])
    #expect(gradients["z"] == nil)
  }

  @Test(arguments: [Plan.Mode.training, .evaluation])
  func theGradientsOfAResidualNetworkAreLimitsOfDifferences(_ mode: Plan.Mode) throws {
    let graph = residualNetwork()
    var executor = try ReferenceExecutor<Double>(graph, batchSize: 3, seed: 4)
    let x = GradientCase(Identity(), []).array([3, 2, 5, 5], stream: 50)
    let weights = GradientCase(Identity(), []).array([3, 4], stream: 51)
    try executor.forward(["x": x], mode: mode, step: 8)
    let gradients = try executor.backward(outputGradients: ["y": weights])

    func loss(_ x: NDArray<Double>) throws -> Double {
      let y = try #require(try executor.forward(["x": x], mode: mode, step: 8)["y"])
      return zip(y.elements, weights.elements).reduce(0) { $0 + $1.0 * $1.1 }
    }
    func expectMatch(_ name: TensorName, _ values: NDArray<Double>, _ lossAt: (NDArray<Double>) throws -> Double) throws {
      let gradient = try #require(gradients[name])
      #expect(gradient.shape == values.shape)
      let step = 1e-6
      for index in values.elements.indices {
        var moved = values
        moved.elements[index] += step
        let above = try lossAt(moved)
        moved.elements[index] -= 2 * step
        let difference = (above - (try lossAt(moved))) / (2 * step)
        let error = abs(difference - gradient.elements[index])
        #expect(error < 1e-6 * max(1, abs(difference)), "\(name)[\(index)]: \(gradient.elements[index]), difference \(difference)")
      }
    }

    try expectMatch("x", x, loss)
    for (name, constant) in graph.constants {
      guard constant.role == .parameter else {
        #expect(gradients[name] == nil)
        continue
      }
      let original = NDArray<Double>(constant.tensor)
      try expectMatch(name, original) { moved in
        executor.constants[name] = moved
        defer { executor.constants[name] = original }
        return try loss(x)
      }
    }
  }

  @Test func trainingLeavesBatchStatisticsUnderTheStatisticsNames() throws {
    var executor = try ReferenceExecutor<Float>(residualNetwork(), batchSize: 3)
    let x = NDArray<Float>(repeating: 1, shape: [3, 2, 5, 5])
    try executor.forward(["x": x], mode: .training)
    #expect(Set(executor.batchStatistics.keys) == ["bn.mean", "bn.variance"])
    #expect(executor.batchStatistics["bn.mean"]?.shape == [2])
    try executor.forward(["x": x], mode: .evaluation)
    #expect(executor.batchStatistics.isEmpty)
  }

  @Test func dropoutChangesFromStepToStepAndRepeatsForTheSame() throws {
    var executor = try ReferenceExecutor<Float>(scalars([node("drop", Dropout(), ["x"], ["y"])]), batchSize: 64, seed: 1)
    let x: [TensorName: NDArray<Float>] = ["x": NDArray(repeating: 1, shape: [64])]
    let first = try executor.forward(x, mode: .training, step: 1)["y"]
    #expect(try executor.forward(x, mode: .training, step: 2)["y"] != first)
    #expect(try executor.forward(x, mode: .training, step: 1)["y"] == first)
  }

  @Test func anOperatorWithoutKernelIsRefusedByNodeAndType() {
    let graph = scalars([node("strange", Unheard(), ["x"], ["y"])])
    let error = #expect(throws: GraphError.self) { try ReferenceExecutor<Float>(graph, batchSize: 1) }
    #expect(error?.node == "strange")
    #expect(error?.description.contains("Unheard") == true)
  }

  @Test func wrongInputsAndGradientsAreRefused() throws {
    var executor = try ReferenceExecutor<Float>(scalars([node("relu", Relu(), ["x"], ["y"])]), batchSize: 2)
    let two = NDArray<Float>([1, 2], shape: [2])
    let three = NDArray<Float>([1, 2, 3], shape: [3])
    #expect(throws: GraphError("backward needs the values of a forward pass, which has not run")) {
      try executor.backward(outputGradients: ["y": two])
    }
    #expect(throws: GraphError("the input 'x' of shape [2] is missing")) { try executor.forward([:], mode: .training) }
    #expect(throws: GraphError("the input 'x' has shape [3], expected [2]")) { try executor.forward(["x": three], mode: .training) }
    try executor.forward(["x": two], mode: .training)
    #expect(throws: GraphError("a gradient is given for the tensor 'q', which does not exist")) { try executor.backward(outputGradients: ["q": two]) }
    #expect(throws: GraphError("the gradient of 'y' has shape [3], expected [2]")) { try executor.backward(outputGradients: ["y": three]) }
  }

  /// Convolution, batch norm and ReLU beside a strided shortcut, joined, pooled, dropped out and classified into 4.
  private func residualNetwork() -> Graph {
    var constants: [TensorName: Graph.Constant] = [:]
    let shapes: [TensorName: [Int]] = [
      "conv.weight": [2, 2, 3, 3], "bn.gamma": [2], "bn.beta": [2], "depthwise.weight": [2, 1, 3, 3], "depthwise.bias": [2],
      "shortcut.weight": [2, 2, 1, 1],
      "fc.weight": [4, 2], "fc.bias": [4],
    ]
    for (stream, name) in shapes.keys.sorted().enumerated() {
      let values = GradientCase(Identity(), []).array(shapes[name] ?? [], stream: 60 + stream)
      constants[name] = .init(Tensor(values.elements.map { Float($0) }, shape: values.shape), .parameter)
    }
    constants["bn.mean"] = .init(Tensor([0.25, -0.5], shape: [2]), .statistic)
    constants["bn.variance"] = .init(Tensor([1.5, 0.75], shape: [2]), .statistic)
    return Graph(
      name: "residual", inputs: [.init(name: "x", type: TensorType([.batch, 2, 5, 5]))], outputs: ["y"],
      nodes: [
        node("conv", Convolution(window: Window(square: 3, pad: 1)), ["x", "conv.weight"], ["c"]),
        node("bn", BatchNormalization(), ["c", "bn.gamma", "bn.beta", "bn.mean", "bn.variance"], ["n"]),
        node("swish", HardSwish(), ["n"], ["r"]),
        node("depthwise", Convolution(window: Window(square: 3, stride: 2, pad: 1), groups: 2), ["r", "depthwise.weight", "depthwise.bias"], ["d"]),
        node("shortcut", Convolution(window: Window(square: 1, stride: 2)), ["x", "shortcut.weight"], ["s"]),
        node("add", Add(), ["d", "s"], ["a"]),
        node("relu", LeakyRelu(alpha: 0.1), ["a"], ["l"]),
        node("pool", GlobalAveragePool(), ["l"], ["p"]),
        node("flatten", Flatten(), ["p"], ["f"]),
        node("drop", Dropout(ratio: 0.3), ["f"], ["o"]),
        node("fc", Gemm(transposesB: true), ["o", "fc.weight", "fc.bias"], ["logits"]),
        node("softmax", Softmax(), ["logits"], ["y"]),
      ], constants: constants)
  }
}

/// An operator that the engine does not know.
private struct Unheard: ElementwiseOperator {
  static let type = "Unheard"
}
