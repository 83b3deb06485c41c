import QATCommunication
import QATEngine
import QATGraph
import QATModels
import QATTensor
import QATTraining
import Testing

@testable import QATQuantization

/// Samples with targets, given as arrays.
private struct LabelledSamples: BatchSource {
  let samples: [[Float]]
  var sampleCount: Int { samples.count }

  func read(_ range: Range<Int>, input: TensorName, into destination: UnsafeMutableBufferPointer<Float>) {
    _ = destination.update(fromContentsOf: samples[range].flatMap { $0 })
  }

  func targets(of range: Range<Int>) -> TargetValues? { TargetValues(classes: range.map { Int32($0 % 3) }, count: range.count) }
}

/// ½ Σ y² over the samples, whose second derivative with respect to y is the identity.
private struct HalfSquare: Objective {
  let output: TensorName

  func evaluate(_ plan: Plan, targets: BatchTargets, scale: Float) -> LossSums {
    let (y, gradient) = (plan.output(output), plan.outputGradient(output))
    for index in y.indices { gradient[index] = scale * y[index] }
    return LossSums(count: targets.count)
  }
}

@Suite("Hessian traces are measured by random probes")
struct HessianTraceTests {
  private func settings(samples: Int, probes: Int, tolerance: Double = 0) -> QuantizationConfiguration.HAWQ {
    var settings = QuantizationConfiguration.HAWQ()
    (settings.sampleCount, settings.probeCount, settings.tolerance) = (samples, probes, tolerance)
    return settings
  }

  @Test("a quadratic loss with a diagonal Hessian needs two probes, and gives its trace")
  func quadratic() throws {
    var net = NetworkBuilder(name: "linear", input: [4])
    let y = net.linear(net.input, "fc", features: 3)
    let graph = net.graph(output: y)
    // Each sample has one value that is not 0: Σ x xᵀ / n is diagonal, with 1/8 · (1 + 4, 9 + 16, 25, 36) on it, once for each of the three outputs.
    let values: [(place: Int, value: Float)] = [(0, 1), (0, 2), (1, 3), (1, -4), (2, 5), (3, 6), (2, 0), (3, 0)]
    let samples = values.map { place, value in (0..<4).map { $0 == place ? value : 0 } }
    var heard: [HessianProgress] = []
    let task = PrecisionTask(objective: HalfSquare(output: try #require(graph.outputs.first))) { heard.append($0) }
    let traces = try HessianTraceMeasurement(
      of: ["fc.weight"], in: graph, settings(samples: 8, probes: 50, tolerance: 1e-3), task, LabelledSamples(samples: samples), batchSize: 4,
      SingleProcess()
    ).run()
    let expected = 3 * (5.0 + 25 + 25 + 36) / 8 / 12
    let average = try #require(traces.average["fc.weight"])
    #expect(abs(average - expected) < 1e-3 * expected, "\(average), expected \(expected)")
    #expect(heard.map(\.probes) == [1, 2])
    #expect(heard.map(\.hasConverged) == [false, true])
    #expect(traces.progress == heard.last)
  }

  /// Convolution, batch norm with statistics of its own, sigmoid, dropout and two linear layers: nothing has a kink.
  private static func smooth() -> Graph {
    var net = NetworkBuilder(name: "smooth", input: [2, 4, 4])
    let x = net.batchNormalization(net.convolution(net.input, "conv", channels: 3, kernel: 3), "bn")
    let y = net.dropout(net.add(Sigmoid(), [x], "sigmoid"), "dropout", ratio: 0.5)
    let z = net.add(Sigmoid(), [net.linear(net.flatten(y, "flatten"), "fc1", features: 4)], "sigmoid1")
    let scores = net.linear(z, "fc2", features: 3)
    var graph = net.graph(output: scores)
    graph.constants["bn.running_mean"]?.tensor = Tensor([0.1, -0.2, 0.3], shape: [3])
    graph.constants["bn.running_var"]?.tensor = Tensor([0.5, 1.5, 0.8], shape: [3])
    return graph
  }

  private static let weights = ["conv.weight", "fc1.weight", "fc2.weight"]
  private static let samples: [[Float]] = (0..<6).map { sample in
    let key = RandomKey(seed: 5, purpose: .syntheticData, sample)
    return (0..<32).map { 2 * key.uniform(at: $0) - 1 }
  }

  /// Gradients of the mean cross-entropy in double precision, of the network as it is evaluated.
  private static func gradients(_ executor: inout ReferenceExecutor<Double>, _ graph: Graph) throws -> [TensorName: NDArray<Double>] {
    let input = NDArray(samples.flatMap { $0.map { Double($0) } }, shape: [samples.count, 2, 4, 4])
    let output = try #require(graph.outputs.first)
    let scores = try #require(try executor.forward([graph.inputs[0].name: input], mode: .evaluation)[output])
    var gradient = scores
    for sample in samples.indices {
      let row = scores.elements[sample * 3..<sample * 3 + 3].map { Double.exp($0) }
      for (index, value) in row.enumerated() {
        gradient.elements[sample * 3 + index] = (value / row.reduce(0, +) - (index == sample % 3 ? 1 : 0)) / Double(samples.count)
      }
    }
    return try executor.backward(outputGradients: [output: gradient])
  }

  @Test("one probe is v·Hv as double precision has it, and the mean of many is the exact trace")
  func againstDoublePrecision() throws {
    let graph = Self.smooth()
    let source = LabelledSamples(samples: Self.samples)
    func measured(probes: Int) throws -> HessianTraces {
      let task = PrecisionTask(objective: try CrossEntropy(of: graph), seed: 11)
      return try HessianTraceMeasurement(
        of: Self.weights, in: graph, settings(samples: 6, probes: probes), task, source, batchSize: 3, SingleProcess()
      ).run()
    }
    var executor = try ReferenceExecutor<Double>(graph, batchSize: Self.samples.count)
    let start = executor.constants
    let (first, many) = (try measured(probes: 1), try measured(probes: 300))
    let steps = try Self.weights.map { name in
      let values = try #require(start[name]).elements
      return CurvatureProbe.relativeStep * (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    }
    for (number, name) in Self.weights.enumerated() {
      let count = try #require(start[name]).count
      // The exact rows of the Hessian: the trace, and by how much a probe misses it. Signs of two elements are a fair coin, so the mean square of v·Hv − trace is
      // the sum of the squared elements beside the diagonal, those of the weight's own block twice over.
      let h = 1e-5
      var (trace, variance) = (0.0, 0.0)
      for index in 0..<count {
        var sides: [[TensorName: NDArray<Double>]] = []
        for side in [h, -h] {
          executor.constants = start
          executor.constants[name]?.elements[index] += side
          sides.append(try Self.gradients(&executor, graph))
        }
        for (other, otherName) in Self.weights.enumerated() {
          let (ahead, behind) = (try #require(sides[0][otherName]).elements, try #require(sides[1][otherName]).elements)
          for column in ahead.indices {
            let second = (ahead[column] - behind[column]) / (2 * h) * steps[other] / steps[number]
            if other != number { variance += second * second } else if column != index { variance += 2 * second * second } else { trace += second }
          }
        }
      }
      let mean = try #require(many.average[name]) * Double(count)
      let deviation = (variance / 300).squareRoot()
      #expect(abs(mean - trace) < 4 * deviation + 2e-3 * abs(trace), "\(name): \(mean), exactly \(trace) ± \(deviation)")

      // The first probe in double precision, with a step a thousand times smaller.
      var sides: [[Double]] = []
      for side in [1.0, -1] {
        executor.constants = start
        for (other, otherName) in Self.weights.enumerated() {
          for index in 0..<(try #require(start[otherName]).count) {
            executor.constants[otherName]?.elements[index] += side * 1e-3 * steps[other] * Self.sign(other, index)
          }
        }
        sides.append(try #require(try Self.gradients(&executor, graph)[name]).elements)
      }
      let product = (0..<count).reduce(0.0) { $0 + Self.sign(number, $1) * (sides[0][$1] - sides[1][$1]) } / (2e-3 * steps[number])
      let found = try #require(first.average[name]) * Double(count)
      #expect(abs(found - product) < 2e-3 * abs(trace), "\(name): \(found), in double precision \(product)")
    }
  }

  /// Element `index` of weight `number` in probe 0.
  private static func sign(_ number: Int, _ index: Int) -> Double {
    RandomKey(seed: 11, purpose: .curvature, 0, number).word(at: index / 32) >> UInt32(index % 32) & 1 == 0 ? 1 : -1
  }

  @Test("samples without targets, no samples, and a curvature that is not finite are errors")
  func failures() throws {
    let graph = Self.smooth()
    func run(_ graph: Graph, _ source: any BatchSource) throws {
      _ = try HessianTraceMeasurement(
        of: ["conv.weight"], in: graph, settings(samples: 4, probes: 2), PrecisionTask(objective: try CrossEntropy(of: graph)), source, batchSize: 2,
        SingleProcess()
      ).run()
    }
    #expect { try run(graph, ArraySource(samples: Self.samples)) } throws: { "\($0)".contains("the samples have no targets") }
    #expect { try run(graph, LabelledSamples(samples: [])) } throws: { "\($0)".contains("there are none") }
    var broken = graph
    broken.constants["fc2.bias"]?.tensor = Tensor([0, .nan, 0], shape: [3])
    #expect { try run(broken, LabelledSamples(samples: Self.samples)) } throws: {
      "\($0)".contains("the curvature of the loss along the weight 'conv.weight' is not finite")
    }
  }
}
