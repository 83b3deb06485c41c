import QATEngine
import QATGraph
import QATTensor
import Testing

/// What shape inference accepts, the engine computes, also where it is unusual.
@Suite struct PlanEdgeCaseTests {
  private func graph(_ op: any Operator, _ input: [Dimension], _ parameters: [[Int]] = []) -> Graph {
    var graph = Graph(
      name: "edge", inputs: [Graph.Input(name: "x", type: TensorType(input))], outputs: ["y"],
      nodes: [Node(name: "node", op: op, inputs: ["x"] + parameters.indices.map { "p\($0)" }, outputs: ["y"])])
    for (index, shape) in parameters.enumerated() {
      graph.constants["p\(index)"] = Graph.Constant(Tensor(randomFloats(shape.elementCount, seed: 40 + UInt64(index)), shape: shape), .parameter)
    }
    return graph
  }

  /// After an addition, so that the pooling's input has a gradient.
  private func pooling(_ op: any Operator, size: Int) -> Graph {
    var graph = graph(Add(), [.batch, 16, .fixed(size), .fixed(size)], [[16, 1, 1]])
    graph.nodes.append(Node(name: "pool", op: op, inputs: ["y"], outputs: ["z"]))
    graph.outputs = ["z"]
    return graph
  }

  /// Sizes from ONNX Runtime: rounding up keeps a window that is larger than the image.
  @Test(arguments: [(2, 3, 2), (1, 3, 3), (3, 4, 3), (5, 2, 2), (1, 1, 1)])
  func windowsBeyondTheImageCount(size: Int, kernel: Int, stride: Int) throws {
    let window = Window(kernel: [kernel, kernel], strides: [stride, stride], roundsUp: true)
    for op in [MaxPool(window: window), AveragePool(window: window), AveragePool(window: window, countsPadding: true)] as [any Operator] {
      try expectPlanMatchesPlainKernels(pooling(op, size: size), "\(op)")
    }
  }

  @Test(arguments: [[], [1], [5], [1, 1], [1, 5]])
  func gemmBroadcastsC(shape: [Int]) throws {
    try expectPlanMatchesPlainKernels(graph(Gemm(beta: 0.5), [.batch, 4], [[4, 5], shape]))
    try expectPlanMatchesPlainKernels(graph(Gemm(transposesA: true, transposesB: true), [4, .batch], [[5, 4], shape]))
  }

  @Test func gemmBroadcastsACOfColumns() throws {
    for shape in [[3, 1], [3, 5]] { try expectPlanMatchesPlainKernels(graph(Gemm(), [3, 4], [[4, 5], shape])) }
  }

  @Test func matricesBroadcastTheirLeadingDimensions() throws {
    try expectPlanMatchesPlainKernels(graph(MatMul(), [.batch, 2, 3, 4], [[4, 5]]))
    try expectPlanMatchesPlainKernels(graph(MatMul(), [.batch, 1, 3, 4], [[2, 4, 5]]))
    try expectPlanMatchesPlainKernels(graph(MatMul(), [1, 3, 4], [[2, 4, 5]]))
  }

  @Test func scalarsAndMissingDimensionsBroadcast() throws {
    for shape in [[], [1], [4], [3, 1], [1, 3, 4], [1, 1, 1, 1]] {
      for op in [Add(), Mul()] as [any Operator] { try expectPlanMatchesPlainKernels(graph(op, [.batch, 2, 3, 4], [shape]), "\(op) \(shape)") }
    }
    // The input is the one that stretches.
    try expectPlanMatchesPlainKernels(graph(Mul(), [1, 4], [[3, 1]]))
  }

  @Test func joinsReshapesAndMeansAtTheEdges() throws {
    try expectPlanMatchesPlainKernels(graph(Concat(axis: -1), [2, 3], [[2, 1], [2, 4]]))
    try expectPlanMatchesPlainKernels(graph(Concat(axis: 0), [2, 3], [[5, 3]]))
    for op in [Flatten(axis: 0), Flatten(axis: 3), Flatten(axis: -1), Reshape(shape: [-1]), Transpose(permutation: [2, 0, 1])] as [any Operator] {
      try expectPlanMatchesPlainKernels(graph(op, [.batch, 2, 3]), mode: .evaluation, "\(op)")
    }
    try expectPlanMatchesPlainKernels(graph(ReduceMean(axes: [], keepsDimensions: false), [2, 3]), mode: .evaluation)
    try expectPlanMatchesPlainKernels(graph(ReduceMean(axes: [-1], keepsDimensions: false), [.batch, 2, 3]), mode: .evaluation)
  }

  @Test func inputsParametersAndHiddenTensorsCanBeOutputs() throws {
    var graph = graph(Gemm(), [.batch, 4], [[4, 5], [5]])
    graph.nodes.append(Node(name: "relu", op: Relu(), inputs: ["y"], outputs: ["z"]))
    graph.outputs = ["z", "y", "p1"]
    try expectPlanMatchesPlainKernels(graph)
    graph.outputs = ["x", "p0", "z"]
    try expectPlanMatchesPlainKernels(graph, mode: .evaluation)
  }

  @Test(arguments: [0, -1])
  func aBatchOfNothingIsRefused(batchSize: Int) throws {
    let graph = graph(Relu(), [.batch, 4])
    let state = try ModelState(graph)
    #expect(throws: GraphError.self) { try Plan(graph, state: state, batchSize: batchSize, mode: .evaluation) }
    #expect(throws: GraphError.self) { try ReferenceExecutor<Float>(graph, batchSize: batchSize) }
  }

  @Test func aBatchBeyondWhatCanBeCountedIsRefused() throws {
    let graph = graph(Relu(), [.batch, 4])
    let state = try ModelState(graph)
    #expect(throws: GraphError.self) { try Plan(graph, state: state, batchSize: .max, mode: .evaluation) }
    #expect(throws: GraphError.self) { try ReferenceExecutor<Float>(graph, batchSize: .max / 2) }
  }
}
