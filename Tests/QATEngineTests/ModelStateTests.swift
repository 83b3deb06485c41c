import QATEngine
import QATGraph
import QATTensor
import Testing

@Suite struct ModelStateTests {
  /// x → conv (w, bias) → bn (gamma, beta, mean, variance) → second conv with the same w → y.
  private static let graph: Graph = {
    let window = Window(square: 1)
    func constant(_ value: Float, _ shape: [Int], _ role: Graph.Constant.Role) -> Graph.Constant {
      Graph.Constant(Tensor((0..<shape.elementCount).map { value + Float($0) }, shape: shape), role)
    }
    return Graph(
      name: "g", inputs: [Graph.Input(name: "x", type: TensorType([.batch, 2, 4, 4]))], outputs: ["y"],
      nodes: [
        Node(name: "conv1", op: Convolution(window: window), inputs: ["x", "w", "bias"], outputs: ["a"]),
        Node(
          name: "bn", op: BatchNormalization(momentum: 0.75), inputs: ["a", "gamma", "beta", "mean", "variance"], outputs: ["b"]),
        Node(name: "shift", op: Add(), inputs: ["b", "fixed"], outputs: ["c"]),
        Node(name: "conv2", op: Convolution(window: window), inputs: ["c", "w", "tail"], outputs: ["y"]),
      ],
      constants: [
        "w": constant(10, [2, 2, 1, 1], .parameter), "bias": constant(20, [2], .parameter), "gamma": constant(30, [2], .parameter),
        "beta": constant(40, [2], .parameter), "tail": constant(50, [2], .parameter), "mean": constant(60, [2], .statistic),
        "variance": constant(70, [2], .statistic), "fixed": constant(80, [1, 2, 1, 1], .fixed), "unused": constant(90, [3], .parameter),
      ])
  }()

  @Test func parametersLieInTheOrderInWhichTheBackwardPassFinishesThem() throws {
    let state = try ModelState(Self.graph)
    // The last node's come first; what an earlier node reads as well is finished with that node. Constants nobody reads have no place.
    #expect(state.parameterSlots.map(\.name) == ["tail", "beta", "gamma", "bias", "w"])
    #expect(state.parameterSlots.map(\.range) == [0..<2, 2..<4, 4..<6, 6..<8, 8..<12])
    #expect(state.parameterSlots.last?.shape == [2, 2, 1, 1])
    #expect(Array(state.parameters.elements) == [50, 51, 40, 41, 30, 31, 20, 21, 10, 11, 12, 13])
  }

  @Test func theBackwardPassFinishesPrefixes() throws {
    let state = try ModelState(Self.graph)
    let plan = try Plan(Self.graph, state: state, batchSize: 2, mode: .training)
    func fill(_ memory: UnsafeMutableBufferPointer<Float>) {
      for index in memory.indices { memory[index] = Float((index * 7 + 3) % 11) - 5 }
    }
    fill(plan.input("x"))
    plan.forward()
    fill(plan.outputGradient("y"))
    var prefixes: [[Float]] = []
    plan.backward { completed in prefixes.append(Array(state.gradients[..<completed])) }
    let final = Array(state.gradients)
    #expect(prefixes.last?.count == state.parameters.count)
    // What was said to be complete did not change afterwards, and the numbers do not fall.
    for prefix in prefixes { #expect(Array(final[..<prefix.count]) == prefix) }
    #expect(prefixes.map(\.count) == prefixes.map(\.count).sorted())
    #expect(Set(prefixes.map(\.count)).count > 2)
  }

  @Test func statisticsKnowTheirMomentum() throws {
    let state = try ModelState(Self.graph)
    #expect(state.statisticSlots.map(\.name) == ["mean", "variance"])
    #expect(state.statisticSlots.map(\.momentum) == [0.75, 0.75])
    #expect(state.parameterSlots.allSatisfy { $0.momentum == 1 })
    #expect(Array(state.statistics.elements) == [60, 61, 70, 71])
  }

  @Test func regionsOfTheReducedBufferDoNotOverlap() throws {
    let state = try ModelState(Self.graph)
    #expect(state.reduced.count == 12 + 4 + ModelState.trailerCount)
    #expect(state.reduced.elements.allSatisfy { $0 == 0 })
    state.gradients.update(repeating: 1)
    state.batchStatistics.update(repeating: 2)
    state.trailer.update(repeating: 3)
    let expected = [Float](repeating: 1, count: 12) + [2, 2, 2, 2] + [Float](repeating: 3, count: ModelState.trailerCount)
    #expect(Array(state.reduced.elements) == expected)
    #expect(Array(state.parameters.elements.prefix(2)) == [50, 51])
  }

  /// running = momentum · running + (1 − momentum) · batch, in powers of two so that nothing rounds.
  @Test func runningStatisticsMoveTowardsTheBatch() throws {
    let state = try ModelState(Self.graph)
    let batch: [Float] = [100, -3, 6, 71]
    for (index, value) in batch.enumerated() { state.batchStatistics[index] = value }
    state.updateStatistics()
    // 0.75 · 60 + 0.25 · 100, 0.75 · 61 − 0.25 · 3, 0.75 · 70 + 0.25 · 6, 71.
    let moved: [Float] = [70, 45, 54, 71]
    #expect(Array(state.statistics.elements) == moved)
    #expect(Array(state.batchStatistics) == batch)
    #expect(state.parameters.pointer[0] == 50)
  }

  @Test func valuesComeAndGoByName() throws {
    let state = try ModelState(Self.graph)
    let initial = state.tensors()
    #expect(Set(initial.keys) == ["w", "bias", "gamma", "beta", "tail", "mean", "variance"])
    for (name, tensor) in initial { #expect(tensor == Self.graph.tensor(name)) }

    state.load(["w": Tensor([1, 2, 3, 4], shape: [2, 2, 1, 1]), "mean": Tensor([-1, -2], shape: [2]), "stranger": Tensor([9], shape: [1])])
    let applied = state.applied(to: Self.graph)
    #expect(applied.tensor("w")?.floats == [1, 2, 3, 4])
    #expect(applied.tensor("mean")?.floats == [-1, -2])
    for name in ["bias", "gamma", "beta", "tail", "variance", "fixed", "unused"] { #expect(applied.tensor(name) == Self.graph.tensor(name)) }
    #expect(applied.constants.mapValues(\.role) == Self.graph.constants.mapValues(\.role))

    let copy = try ModelState(applied)
    #expect(copy.tensors() == state.tensors())
    let fresh = try ModelState(Self.graph)
    fresh.load(state.tensors())
    #expect(Array(fresh.parameters.elements) == Array(state.parameters.elements))
    #expect(Array(fresh.statistics.elements) == Array(state.statistics.elements))
  }

  @Test func aTrainedTensorThatIsNotFloat32IsRefusedWithItsReader() {
    var graph = Self.graph
    graph.constants["bias"] = Graph.Constant(Tensor(shape: [2], elements: .int8([1, 2])), .parameter)
    #expect(throws: GraphError(node: "conv1", "the trained tensor 'bias' is int8, expected float32")) { try ModelState(graph) }
  }

  @Test func aNetworkWithoutParametersHasATrailerOnly() throws {
    let graph = Graph(
      name: "g", inputs: [Graph.Input(name: "x", type: TensorType([.batch]))], outputs: ["y"],
      nodes: [Node(name: "relu", op: Relu(), inputs: ["x"], outputs: ["y"])])
    let state = try ModelState(graph)
    #expect(state.parameterSlots.isEmpty && state.statisticSlots.isEmpty)
    #expect(state.trailer.count == ModelState.trailerCount)
    #expect(state.reduced.count == ModelState.trailerCount)
    state.updateStatistics()
    #expect(state.tensors().isEmpty)
  }
}
