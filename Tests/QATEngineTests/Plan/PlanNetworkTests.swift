import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("A plan runs whole networks")
struct PlanNetworkTests {
  /// Branches, shared tensors, residual additions, concatenations, depthwise convolutions: everything that makes gradients meet.
  private func network() -> Graph {
    var b = NetworkBuilder(name: "branches", input: [3, 12, 12], seed: 3)
    var x = b.convolution(b.input, "stem", channels: 16, kernel: 3, pad: 1)
    x = b.relu(b.batchNormalization(x, "stem.bn"), "stem.relu")
    let left = b.batchNormalization(b.convolution(x, "left", channels: 16, kernel: 3, pad: 1), "left.bn")
    let joined = b.relu(b.sum(left, x, "join"), "join.relu")
    let pooled = b.maxPool(joined, "pool", kernel: 3, stride: 2, pad: 1)
    let deep = b.relu6(b.batchNormalization(b.convolution(pooled, "depthwise", channels: 16, kernel: 3, pad: 1, groups: 16), "depthwise.bn"), "relu6")
    let both = b.concatenation([deep, pooled], "concat")
    let odd = b.convolution(both, "odd", channels: 20, kernel: 1)
    let mixed = b.concatenation([odd, both], "concat2")
    let out = b.linear(b.flatten(b.globalAveragePool(mixed, "gap"), "flatten"), "fc", features: 10)
    return b.graph(output: out)
  }

  @Test("forward, backward and batch statistics of a network with branches", arguments: [Plan.Mode.training, .evaluation])
  func branches(_ mode: Plan.Mode) throws {
    try expectPlanMatchesPlainKernels(network(), batchSize: 4, mode: mode, tolerance: 1e-3)
  }

  @Test("gradients become complete from the front, and all of them in the end")
  func progress() throws {
    let graph = network()
    let state = try ModelState(graph)
    let plan = try Plan(graph, state: state, batchSize: 2, mode: .training)
    _ = plan.input("input").update(fromContentsOf: randomFloats(plan.input("input").count, seed: 1))
    let output = graph.outputs[0]
    plan.forward()
    plan.outputGradient(output).update(repeating: 0.1)
    plan.backward()
    let expected = Array(state.gradients)
    // What is reported complete must not change any more.
    plan.forward()
    state.gradients.update(repeating: .nan)
    var last = 0
    plan.backward { finished in
      #expect(finished >= last)
      for index in last..<finished { #expect(state.gradients[index] == expected[index], "element \(index) was reported complete too early") }
      last = finished
    }
    #expect(last == state.parameters.count)
  }

  @Test("a plan for evaluation gives each sample what it gives it alone")
  func independence() throws {
    let graph = network()
    let state = try ModelState(graph)
    let one = try Plan(graph, state: state, batchSize: 1, mode: .evaluation)
    let four = try Plan(graph, state: state, batchSize: 4, mode: .evaluation)
    let images = randomFloats(4 * 3 * 144, seed: 9)
    _ = four.input("input").update(fromContentsOf: images)
    four.forward()
    for sample in 0..<4 {
      _ = one.input("input").update(fromContentsOf: images[sample * 432..<(sample + 1) * 432])
      one.forward()
      expectClose(
        Array(one.output(graph.outputs[0])), Array(four.output(graph.outputs[0])[sample * 10..<sample * 10 + 10]), 1e-5, "sample \(sample)", nil,
        #_sourceLocation)
    }
  }
}
