import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("A plan within a limit of memory")
struct MemoryLimitTests {
  /// What a step leaves behind, and what is reported while it runs.
  private struct Results: Equatable {
    var outputs: [[UInt32]] = []
    var gradients: [UInt32] = []
    var statistics: [UInt32] = []
  }

  /// Networks with everything that is made again in its own way.
  enum Case: String, CaseIterable {
    /// Residual additions, batch norm with ReLU.
    case residual
    /// Integer products, codes and what they stand for; quantizers in one pass with their rectifiers.
    case quantizedResidual
    /// Depthwise convolutions in floats.
    case quantizedDepthwise
    /// Concatenations, of which several steps fill one buffer; random numbers; a kernel that steps share with running statistics.
    case branches
    /// Weights whose neighbours are limited in place.
    case paired
    /// Attention, layer norms, embeddings, dropout.
    case encoder

    func graph() throws -> Graph {
      switch self {
      case .residual: return try #require(architecture(named: "resnet_small", classes: 10))
      case .quantizedResidual: return quantizedEverywhere(try #require(architecture(named: "resnet_small", classes: 10)))
      case .quantizedDepthwise: return quantizedEverywhere(try #require(architecture(named: "mobilenet_small", classes: 10)))
      case .branches: return Self.branches()
      case .paired:
        var graph = quantizedEverywhere(try #require(architecture(named: "resnet_small", classes: 10)))
        for index in graph.nodes.indices {
          guard var quantizer = graph.nodes[index].as(FakeQuantize.self), quantizer.channelAxis == 0 else { continue }
          let weight = graph.nodes[index].outputs[0]
          let (reader, shape) = (graph.nodes.first { $0.inputs.contains(weight) }, graph.tensor(graph.nodes[index].inputs[0])?.shape)
          guard let reader, let shape, let pairing = reader.weightPairing(port: 1, shape: shape) else { continue }
          (quantizer.pairing, quantizer.halfRange) = (pairing, false)
          graph.nodes[index].op = quantizer
        }
        return graph
      case .encoder:
        var b = NetworkBuilder(name: "encoder", input: [12, 16], seed: 5)
        var x = b.dropout(b.layerNormalization(b.input, "embedded"), "dropped", ratio: 0.2)
        for index in 0..<3 {
          let y = b.gelu(b.linear(x, "fc\(index)", features: 32), "gelu\(index)")
          let z = b.dropout(b.linear(y, "back\(index)", features: 16), "drop\(index)", ratio: 0.3)
          x = b.layerNormalization(b.sum(x, z, "sum\(index)"), "norm\(index)")
        }
        return b.graph(output: b.linear(b.flatten(x, "flat"), "head", features: 5))
      }
    }

    private static func branches() -> Graph {
      var b = NetworkBuilder(name: "branches", input: [3, 12, 12], seed: 3)
      var x = b.relu(b.batchNormalization(b.convolution(b.input, "stem", channels: 16, kernel: 3, pad: 1), "stem.bn"), "stem.relu")
      for index in 0..<4 {
        let left = b.relu(b.batchNormalization(b.convolution(x, "left\(index)", channels: 8, kernel: 3, pad: 1), "bn\(index)"), "relu\(index)")
        let right = b.dropout(b.sigmoid(b.convolution(x, "right\(index)", channels: 8, kernel: 1), "gate\(index)"), "dropout\(index)", ratio: 0.3)
        x = b.concatenation([left, right], "concat\(index)")
      }
      let pooled = b.maxPool(x, "pool", kernel: 3, stride: 2, pad: 1)
      return b.graph(output: b.linear(b.flatten(b.globalAveragePool(pooled, "gap"), "flatten"), "fc", features: 10))
    }
  }

  private func plan(_ graph: Graph, _ state: ModelState, limit: Int?, group: (any NormalizationGroup)? = nil) throws -> Plan {
    let plan = try Plan(graph, state: state, batchSize: 4, mode: .training, group: group, memoryLimit: limit)
    plan.seed = 7
    return plan
  }

  /// Two steps, of which the second must not see what the first one has left in shared memory.
  private func results(_ graph: Graph, limit: Int?, group: (any NormalizationGroup)? = nil) throws -> (Results, plan: Plan) {
    let state = try ModelState(graph)
    let plan = try plan(graph, state, limit: limit, group: group)
    var results = Results()
    for step in 0..<2 {
      results = Results()
      for (index, input) in graph.inputs.enumerated() {
        let memory = plan.input(input.name)
        _ = memory.update(fromContentsOf: randomFloats(memory.count, seed: UInt64(10 * step + index)))
      }
      plan.forward(step: UInt64(step), firstSample: 4)
      for output in graph.outputs {
        results.outputs.append(plan.output(output).map(\.bitPattern))
        let gradient = plan.outputGradient(output)
        _ = gradient.update(fromContentsOf: randomFloats(gradient.count, seed: 99))
      }
      state.gradients.update(repeating: .nan)
      var (last, early) = (0, [UInt32]())
      plan.backward { finished in
        #expect(finished >= last)
        for index in last..<max(last, finished) { early.append(state.gradients[index].bitPattern) }
        last = finished
      }
      results.gradients = state.gradients.map(\.bitPattern)
      #expect(early == results.gradients, "what is reported complete does not change any more, and all is in the end")
      results.statistics = state.batchStatistics.map(\.bitPattern)
    }
    return (results, plan)
  }

  private func least(_ graph: Graph) throws -> Int {
    let state = try ModelState(graph)
    let error = #expect(throws: MemoryLimitError.self) { try plan(graph, state, limit: 1) }
    return try #require(error).least
  }

  @Test("computes the same bits, down to the least memory that it says is enough", arguments: Case.allCases)
  func sameBits(_ network: Case) throws {
    let graph = try network.graph()
    let (expected, plan) = try results(graph, limit: .max)
    #expect(plan.recomputation.forwardShare == 0 && plan.recomputation.kinds.isEmpty && plan.recomputation.unlimitedByteCount == plan.arenaByteCount)
    #expect(!expected.gradients.contains { Float(bitPattern: $0).isNaN })
    let (least, unlimited) = (try least(graph), plan.arenaByteCount)
    #expect(least < unlimited * 9 / 10, "\(least) of \(unlimited)")
    var before = 0.0
    for limit in [unlimited, (3 * unlimited + least) / 4, (unlimited + least) / 2, (unlimited + 3 * least) / 4, least] {
      let (found, plan) = try results(graph, limit: limit)
      #expect(found == expected, "within \(limit) of \(unlimited)")
      #expect(plan.arenaByteCount <= limit)
      #expect(limit == unlimited || plan.recomputation.forwardShare > 0)
      #expect(plan.recomputation.forwardShare < 1)
      before = max(before, plan.recomputation.forwardShare)
    }
    #expect(before > 0)
    let (found, economical) = try results(graph, limit: nil)
    #expect(found == expected, "what costs next to nothing")
    #expect(economical.arenaByteCount <= unlimited && economical.recomputation.unlimitedByteCount == unlimited)
  }

  @Test("says what was asked for and what would be enough")
  func tooLow() throws {
    let graph = try Case.residual.graph()
    let state = try ModelState(graph)
    let least = try least(graph)
    let error = try #require(#expect(throws: MemoryLimitError.self) { try plan(graph, state, limit: least - 1) })
    let unlimited = try plan(graph, state, limit: .max).arenaByteCount
    #expect(error.limit == least - 1 && error.least == least && error.unlimited == unlimited)
    #expect(error.description.contains("\(least - 1)") && error.description.contains("\(least)") && error.description.contains("\(unlimited)"))
    // Nothing of an evaluation is kept for later: there is nothing to save.
    let evaluation = try Plan(graph, state: state, batchSize: 4, mode: .evaluation).arenaByteCount
    let refused = #expect(throws: MemoryLimitError.self) {
      try Plan(graph, state: state, batchSize: 4, mode: .evaluation, memoryLimit: evaluation - 1)
    }
    #expect(refused?.least == evaluation)
  }

  @Test("computes twice what is cheap before it computes a convolution twice")
  func cheapestFirst() throws {
    var b = NetworkBuilder(name: "chain", input: [16, 24, 24], seed: 1)
    var x = b.input
    for index in 0..<8 { x = b.relu(b.batchNormalization(b.convolution(x, "c\(index)", channels: 16, kernel: 3, pad: 1), "n\(index)"), "r\(index)") }
    let graph = b.graph(output: b.globalAveragePool(x, "gap"))
    let state = try ModelState(graph)
    let unlimited = try plan(graph, state, limit: .max).arenaByteCount
    let gentle = try plan(graph, state, limit: unlimited * 3 / 4).recomputation
    #expect(Set(gentle.kinds.keys) == ["BatchNormalization+Relu"], "\(gentle.kinds)")
    let hard = try plan(graph, state, limit: try least(graph)).recomputation
    #expect(hard.kinds.keys.contains("Conv") && hard.forwardShare > gentle.forwardShare, "\(hard.kinds)")
  }

  @Test("the least memory of a chain of equal layers grows far slower than its length")
  func growth() throws {
    func chain(_ length: Int) throws -> (least: Int, unlimited: Int) {
      var b = NetworkBuilder(name: "chain", input: [16, 16, 16], seed: 1)
      var x = b.input
      for index in 0..<length { x = b.relu(b.convolution(x, "c\(index)", channels: 16, kernel: 1), "r\(index)") }
      let graph = b.graph(output: b.globalAveragePool(x, "gap"))
      return (try least(graph), try plan(graph, ModelState(graph), limit: .max).arenaByteCount)
    }
    let (short, long) = (try chain(16), try chain(64))
    // Segments of √n layers (Chen et al. 2016): four times the layers, twice the memory.
    #expect(Double(long.least) < 2.6 * Double(short.least), "\(short) \(long)")
    #expect(long.least * 3 < long.unlimited, "\(long)")
  }

  @Test("a plan in the memory of another one at rest computes what it computes alone, and so does the other one", arguments: [false, true])
  func sharing(isLimited: Bool) throws {
    let graph = try Case.quantizedResidual.graph()
    func run(_ isShared: Bool) throws -> [[UInt32]] {
      let state = try ModelState(graph)
      let training = try plan(graph, state, limit: isLimited ? try least(graph) : .max)
      let evaluation = try Plan(graph, state: state, batchSize: 4, mode: .evaluation, sharingMemoryOf: isShared ? training : nil)
      // Too large for it: has memory of its own.
      let large = try Plan(graph, state: state, batchSize: 200, mode: .evaluation, sharingMemoryOf: isShared ? training : nil)
      #expect(evaluation.arenaByteCount <= training.arenaByteCount && large.arenaByteCount > training.arenaByteCount)
      let (input, output) = (graph.inputs[0].name, graph.outputs[0])
      var found: [[UInt32]] = []
      for step in 0..<2 {
        for plan in [training, evaluation, large] {
          _ = plan.input(input).update(fromContentsOf: randomFloats(plan.input(input).count, seed: UInt64(3 + step)))
          plan.forward(step: UInt64(step))
          found.append(plan.output(output).map(\.bitPattern))
          guard plan === training else { continue }
          plan.outputGradient(output).update(repeating: 0.01)
          plan.backward()
          found.append(state.gradients.map(\.bitPattern))
        }
      }
      return found
    }
    #expect(try run(true) == run(false))
  }

  @Test("processes that normalise together exchange as often as without a limit")
  func exchanges() throws {
    final class Counting: NormalizationGroup {
      let size = 1
      var count = 0
      func gather(_ own: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) {
        count += 1
        _ = all.update(fromContentsOf: own)
      }
    }
    let graph = try Case.quantizedResidual.graph()
    let (free, bound) = (Counting(), Counting())
    let (expected, plan) = try results(graph, limit: .max, group: free)
    let (found, limited) = try results(graph, limit: plan.arenaByteCount * 8 / 10, group: bound)
    #expect(found == expected && free.count == bound.count && free.count > 0)
    #expect(limited.recomputation.forwardShare > 0)
  }
}
