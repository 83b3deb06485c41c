import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("Tensors that a plan shows while it runs")
struct PassingTensorTests {
  private func network() -> Graph {
    var b = NetworkBuilder(name: "passing", input: [3, 16, 16], seed: 2)
    var x = b.input
    for index in 0..<6 {
      x = b.relu(b.batchNormalization(b.convolution(x, "c\(index)", channels: 16, kernel: 3, pad: 1), "n\(index)"), "r\(index)")
    }
    return b.graph(output: b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flat"), "fc", features: 5))
  }

  @Test("are those that can be read afterwards, each once, in the order in which they are computed")
  func sameBits() throws {
    let graph = network()
    let state = try ModelState(graph)
    // The input, a batch norm that would be fused with its ReLU, such a ReLU, the output.
    let names = ["n3", "fc", "input", "r1", "r0"]
    let reference = try Plan(graph, state: state, batchSize: 2, mode: .evaluation, observed: names)
    let plan = try Plan(graph, state: state, batchSize: 2, mode: .evaluation, passing: names)
    for round in 0..<2 {
      let values = randomFloats(plan.input("input").count, seed: UInt64(round))
      for plan in [reference, plan] { _ = plan.input("input").update(fromContentsOf: values) }
      reference.forward()
      var seen: [TensorName] = []
      plan.forward { name, values in
        seen.append(name)
        #expect(values.map(\.bitPattern) == reference.output(name).map(\.bitPattern), "\(name)")
      }
      #expect(seen == ["input", "r0", "r1", "n3", "fc"])
      plan.forward()
    }
  }

  @Test("take no memory of their own: all of them together no more than the largest two")
  func memory() throws {
    let graph = network()
    let names = (0..<6).flatMap { ["c\($0)", "n\($0)", "r\($0)"] }
    let plan = try Plan(graph, state: ModelState(graph), batchSize: 2, mode: .evaluation, passing: names)
    // Blocks and rows of two tensors, and packed weights.
    #expect(plan.arenaByteCount < 5 * 2 * 16 * 16 * 16 * 4)
  }
}
