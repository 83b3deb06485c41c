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

  /// Batch norm, a rectifier and a quantizer that alone reads them are one pass, of floats or codes; what integer layers make of the codes is tested there.
  @Test(
    "a batch norm in front, with and without a rectifier between, is computed as by itself, in every layout and over several processes",
    arguments: [nil, Relu(), Clip(lower: 0, upper: 6)] as [(any Operator)?], [FakeQuantize.Mode.symmetric(signed: true), .asymmetric])
  func normalized(rectifier: (any Operator)?, mode: FakeQuantize.Mode) throws {
    for (channels, space, isBlocked, axis) in [
      (5, [6, 7], true, nil), (16, [9, 9], true, 1), (20, [1, 1], true, -3), (8, [40, 40], true, nil), (3, [6, 7], false, 1), (4, [130], false, nil),
      (4, [2, 3, 3], false, -4),
    ] as [(Int, [Int], Bool, Int?)] {
      var graph = Graph(
        name: "normalized", inputs: [.init(name: "in", type: TensorType([.batch] + ([channels] + space).map(Dimension.fixed)))], outputs: ["y"])
      func parameter(_ name: String, _ values: [Float], _ shape: [Int]) { graph.constants[name] = .init(Tensor(values, shape: shape), .parameter) }
      var x = "in"
      if isBlocked {
        parameter("weight", randomFloats(channels * channels, seed: 5), [channels, channels, 1, 1])
        graph.nodes.append(Node(name: "conv", op: Convolution(window: Window(kernel: [1, 1])), inputs: ["in", "weight"], outputs: ["x"]))
        x = "x"
      }
      parameter("gamma", randomFloats(channels, seed: 3).map { $0 + 2 }, [channels])
      parameter("beta", randomFloats(channels, seed: 4), [channels])
      for name in ["mean", "variance"] { graph.constants[name] = .init(Tensor(repeating: 1, shape: [channels]), .statistic) }
      graph.nodes.append(Node(name: "bn", op: BatchNormalization(), inputs: [x, "gamma", "beta", "mean", "variance"], outputs: ["n"]))
      if let rectifier { graph.nodes.append(Node(name: "rectifier", op: rectifier, inputs: ["n"], outputs: ["r"])) }
      let extents = axis == nil ? [2.5] : (0..<channels).map { 1 + Float($0 % 4) }
      var inputs = [rectifier == nil ? "n" : "r"]
      for (name, values) in mode == .asymmetric ? [("low", extents.map { -$0 / 3 }), ("range", extents)] : [("scale", extents)] {
        parameter(name, values, [values.count])
        inputs.append(name)
      }
      graph.nodes.append(
        Node(name: "quantizer", op: FakeQuantize(mode: mode, channelAxis: axis), inputs: inputs, outputs: ["y"]))
      // Of many elements one lies so near to a tie that sums in another order give it the next code.
      let tolerance: Float = space == [40, 40] ? 6e-3 : 3e-4
      for group in [nil, GroupOfOne()] {
        try expectPlanMatchesPlainKernels(
          graph, batchSize: 4, group: group, tolerance: tolerance, "\(channels) channels, \(space), axis \(axis.map(String.init) ?? "none")")
      }
    }
  }
}
