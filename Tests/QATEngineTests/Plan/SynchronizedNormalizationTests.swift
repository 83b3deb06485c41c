import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

/// One process that goes the way of several.
final class GroupOfOne: NormalizationGroup {
  let size = 1
  private(set) var exchanges = 0

  func gather(_ own: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) {
    exchanges += 1
    _ = all.update(fromContentsOf: own)
  }
}

/// What several ranks make of it is tested under mpirun.
@Suite("Batch norm over several processes")
struct SynchronizedNormalizationTests {
  @Test(
    "computes in a group of one what the plain kernel computes, in every layout", arguments: [1, 5, 8, 16, 19, 32],
    [[5, 5], [1, 1], [64, 130], [7], []])
  func plain(channels: Int, space: [Int]) throws {
    var graph = Graph(name: "bn", inputs: [.init(name: "x", type: TensorType([.batch] + ([channels] + space).map(Dimension.fixed)))], outputs: ["y"])
    for (name, seed) in [("gamma", UInt64(3)), ("beta", 4)] {
      graph.constants[name] = .init(Tensor(randomFloats(channels, seed: seed), shape: [channels]), .parameter)
    }
    for name in ["mean", "variance"] { graph.constants[name] = .init(Tensor(repeating: 1, shape: [channels]), .statistic) }
    graph.nodes = [Node(name: "bn", op: BatchNormalization(), inputs: ["x", "gamma", "beta", "mean", "variance"], outputs: ["y"])]
    try expectPlanMatchesPlainKernels(graph, group: GroupOfOne(), tolerance: 1e-5)
  }

  @Test("in blocked layouts, with and without a ReLU in the same pass", arguments: [5, 16, 24])
  func blocked(channels: Int) throws {
    var b = NetworkBuilder(name: "blocked", input: [3, 9, 11], seed: 1)
    let x = b.relu(b.batchNormalization(b.convolution(b.input, "conv1", channels: channels, kernel: 3, pad: 1), "bn1"), "relu1")
    let y = b.batchNormalization(b.convolution(x, "conv2", channels: channels, kernel: 3), "bn2")
    try expectPlanMatchesPlainKernels(b.graph(output: y), batchSize: 4, group: GroupOfOne(), tolerance: 1e-5)
  }

  @Test("a mean far from zero cancels nothing")
  func farFromZero() throws {
    var graph = Graph(name: "bn", inputs: [.init(name: "x", type: TensorType([.batch, .fixed(3), .fixed(40), .fixed(40)]))], outputs: ["y"])
    graph.constants["gamma"] = .init(Tensor(repeating: 1, shape: [3]), .parameter)
    for name in ["beta", "mean", "variance"] {
      graph.constants[name] = .init(Tensor(repeating: 0, shape: [3]), name == "beta" ? .parameter : .statistic)
    }
    graph.nodes = [Node(name: "bn", op: BatchNormalization(), inputs: ["x", "gamma", "beta", "mean", "variance"], outputs: ["y"])]
    let state = try ModelState(graph)
    let plan = try Plan(graph, state: state, batchSize: 8, mode: .training, group: GroupOfOne())
    // Deviations of one from a mean of a million, all exact in float32: their variance is 1.
    for index in plan.input("x").indices { plan.input("x")[index] = 1_000_000 + (index % 2 == 0 ? 1 : -1) }
    plan.forward()
    #expect(Array(state.batchStatistics[..<3]) == [1_000_000, 1_000_000, 1_000_000])
    for variance in state.batchStatistics[3...] { #expect(abs(variance - 1) < 1e-3) }
    for (index, value) in plan.output("y").enumerated() where abs(value - (index % 2 == 0 ? 1 : -1)) > 1e-4 {
      Issue.record("element \(index) is \(value)")
      break
    }
  }

  @Test("training exchanges twice a layer, evaluation never")
  func exchanges() throws {
    var b = NetworkBuilder(name: "counted", input: [3, 8, 8], seed: 1)
    let x = b.batchNormalization(b.convolution(b.input, "conv", channels: 8, kernel: 3), "bn1")
    let y = b.batchNormalization(x, "bn2")
    let graph = b.graph(output: y)
    let state = try ModelState(graph)
    for (mode, expected) in [(Plan.Mode.training, 4), (.evaluation, 0)] {
      let group = GroupOfOne()
      let plan = try Plan(graph, state: state, batchSize: 2, mode: mode, group: group)
      plan.forward()
      if mode == .training { plan.backward() }
      #expect(group.exchanges == expected)
    }
  }
}
