import CAllocationCounter
import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("A step allocates nothing")
struct PlanAllocationTests {
  // Without optimisation Swift itself boxes generic values: the promise is about what users run.
  #if !DEBUG
    @Test(
      "in the steady state of a quantized residual network and of a quantized depthwise one, in as much memory as it takes and in as little as possible",
      arguments: ["resnet_small", "mobilenet_small"], [false, true])
    func steadyState(_ name: String, isLimited: Bool) throws {
      let graph = quantizedEverywhere(try #require(architecture(named: name, classes: 10)))
      let state = try ModelState(graph)
      func compile(_ limit: Int?) throws -> Plan { try Plan(graph, state: state, batchSize: 4, mode: .training, memoryLimit: limit) }
      let least = #expect(throws: MemoryLimitError.self) { try compile(1) }?.least
      let plan = try compile(isLimited ? least : .max)
      #expect(plan.recomputation.kinds.isEmpty != isLimited)
      let input = plan.input(graph.inputs[0].name)
      _ = input.update(fromContentsOf: randomFloats(input.count, seed: 1))
      let gradient = plan.outputGradient(graph.outputs[0])
      var finished = 0
      func step() {
        plan.forward()
        gradient.update(repeating: 0.01)
        plan.backward { finished = $0 }
        state.updateStatistics()
      }
      for _ in 0..<2 { step() }
      allocation_counter_start()
      for _ in 0..<3 { step() }
      let count = allocation_counter_stop()
      #expect(count == 0, "our code allocated \(count) times in three steps")
      #expect(finished == state.parameters.count)
    }

  #endif

  @Test("the counter sees allocations")
  func counter() {
    allocation_counter_start()
    var values = [Int]()
    for index in 0..<100 { values.append(index) }
    #expect(allocation_counter_stop() > 0)
    #expect(values.count == 100)
  }
}

/// The network with a fake quantizer on its input, behind every activation and on every weight.
func quantizedEverywhere(_ graph: Graph) -> Graph {
  var result = graph
  result.nodes = []
  var renamed: [TensorName: TensorName] = [:]
  func quantize(_ tensor: TensorName, _ op: FakeQuantize, channels: Int, scale: Float) {
    result.constants[tensor + ".scale"] = .init(Tensor(repeating: scale, shape: [channels]), .parameter)
    result.nodes.append(Node(name: tensor + "|FQ", op: op, inputs: [tensor, tensor + ".scale"], outputs: [tensor + ".quantized"]))
    renamed[tensor] = tensor + ".quantized"
  }
  quantize(graph.inputs[0].name, FakeQuantize(mode: .symmetric(signed: true)), channels: 1, scale: 2)
  for node in graph.nodes {
    if node.op is Convolution || node.op is Gemm, let weight = graph.tensor(node.inputs[1]) {
      quantize(
        node.inputs[1], FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: 0), channels: weight.shape[0], scale: 0.5)
    }
    var copy = node
    copy.inputs = node.inputs.map { renamed[$0] ?? $0 }
    result.nodes.append(copy)
    if node.op is Relu || node.op is Clip {
      quantize(node.outputs[0], FakeQuantize(mode: .symmetric(signed: false)), channels: 1, scale: 4)
    }
    if node.op is LayerNormalization || node.op is Gelu || node.op is MatMul {
      quantize(node.outputs[0], FakeQuantize(mode: .symmetric(signed: true)), channels: 1, scale: 4)
    }
  }
  return result
}
