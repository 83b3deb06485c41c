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
}
