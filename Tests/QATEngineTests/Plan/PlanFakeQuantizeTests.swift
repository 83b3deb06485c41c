import QATEngine
import QATGraph
import QATTensor
import Testing

@Suite("The fast fake quantizer is NNCF's")
struct PlanFakeQuantizeTests {
  @Test("outputs and gradients equal NNCF's recorded ones", arguments: QuantizerFixture.all.cases)
  func fixture(_ fixture: QuantizerFixture.Case) throws {
    // x is a parameter here, so that its gradient can be read back; the network's input is added to nothing.
    var graph = Graph(name: "fixture", outputs: ["y"])
    graph.constants["x"] = .init(Tensor(fixture.x, shape: fixture.shape), .parameter)
    var inputs = ["x"]
    for name in fixture.parameterNames {
      let recorded = try #require(fixture.params[name])
      graph.constants[name] = .init(Tensor(recorded.value, shape: [recorded.value.count]), .parameter)
      inputs.append(name)
    }
    graph.nodes = [Node(name: "quantizer", op: fixture.quantizer, inputs: inputs, outputs: ["y"])]
    let state = try ModelState(graph)
    let plan = try Plan(graph, state: state, batchSize: 1, mode: .training)
    plan.forward()
    #expect(Array(plan.output("y")) == fixture.y)
    _ = plan.outputGradient("y").update(fromContentsOf: fixture.upstream)
    plan.backward()
    for slot in state.parameterSlots {
      let found = Array(state.gradients[slot.range])
      guard slot.name != "x" else {
        #expect(found == fixture.grad_x)
        continue
      }
      let recorded = try #require(fixture.params[slot.name])
      let terms = fixture.upstream.reduce(0) { $0 + $1.magnitude } / Float(recorded.value.count)
      for (found, expected) in zip(found, recorded.grad) {
        #expect((found - expected).magnitude <= 1e-6 * max(expected.magnitude, terms), "\(slot.name): \(found), recorded \(expected)")
      }
    }
  }

  /// A rectifier and a quantizer that alone reads it are one pass: grids that end below and above the rectifier's bounds, values right on these and far beyond.
  @Test(
    "a rectifier in front is computed as by itself",
    arguments: [Relu(), Clip(lower: 0, upper: 6), Clip(lower: -1, upper: 1), Clip(upper: 2), Clip(lower: 7, upper: 9)] as [any Operator],
    [FakeQuantize.Mode.symmetric(signed: false), .symmetric(signed: true), .asymmetric])
  func rectified(rectifier: any Operator, mode: FakeQuantize.Mode) throws {
    for (axis, extents) in [(nil, [4]), (1, [4, 9, 6, 0.5])] as [(Int?, [Float])] {
      var graph = Graph(name: "rectified", outputs: ["y"])
      let bounds: [Float] = [-1, 0, 1, 2, 4, 6, 7, 9]
      let x = randomFloats(4 * 2 * 35, seed: 3).enumerated().map { $0 % 5 == 0 ? bounds[$0 / 5 % bounds.count] : 12 * $1 }
      graph.constants["x"] = .init(Tensor(x, shape: [2, 4, 5, 7]), .parameter)
      var inputs = ["clipped"]
      for (name, values) in mode == .asymmetric ? [("low", extents.map { -$0 / 3 }), ("range", extents)] : [("scale", extents)] {
        graph.constants[name] = .init(Tensor(values, shape: [values.count]), .parameter)
        inputs.append(name)
      }
      graph.nodes = [
        Node(name: "rectifier", op: rectifier, inputs: ["x"], outputs: ["clipped"]),
        Node(name: "quantizer", op: FakeQuantize(mode: mode, channelAxis: axis), inputs: inputs, outputs: ["y"]),
      ]
      try expectPlanMatchesPlainKernels(graph, "axis \(axis.map(String.init) ?? "none")")
    }
  }
}
