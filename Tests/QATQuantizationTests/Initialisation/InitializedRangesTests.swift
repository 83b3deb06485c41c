import QATCommunication
import QATEngine
import QATGraph
import QATTensor
import Testing

@testable import QATQuantization

/// Samples given as arrays.
struct ArraySource: BatchSource {
  let samples: [[Float]]
  var sampleCount: Int { samples.count }

  func read(_ range: Range<Int>, input: TensorName, into destination: UnsafeMutableBufferPointer<Float>) {
    _ = destination.update(fromContentsOf: samples[range].flatMap { $0 })
  }
}

@Suite("Ranges are found from weights and from samples")
struct InitializedRangesTests {
  /// x [2, 2, 2] → 1×1 convolution with weights [[1, 0], [0, −2]] → relu.
  private func network() -> Graph {
    Graph(
      name: "tiny", inputs: [.init(name: "x", type: TensorType([.batch, 2, 2, 2]))], outputs: ["y"],
      nodes: [
        Node(name: "conv", op: Convolution(window: .init(square: 1)), inputs: ["x", "w"], outputs: ["c"]),
        Node(name: "relu", op: Relu(), inputs: ["c"], outputs: ["y"]),
      ], constants: ["w": .init(Tensor([1, 0, 0, -2], shape: [2, 2, 1, 1]), .parameter)])
  }

  private let setup = QuantizerSetup(points: [
    point(.init(.weight, "conv", port: 1), QuantizerSpecification(forcedSign: true, channelAxis: 0, parameterShape: [2], halfRange: true)),
    point(.init(.networkInput, "x"), QuantizerSpecification()),
    point(.init(.output, "relu"), QuantizerSpecification()),
  ])

  private static func point(_ target: QuantizationTarget, _ specification: QuantizerSpecification) -> QuantizationPoint {
    QuantizationPoint(id: target.id, target: target, specification: specification, quantizedOperators: [])
  }

  private let samples = ArraySource(samples: [[1, 2, 3, 4, -1, -2, -3, -4], [0, 0, 0, 0.5, 0, 0, 1, 0], [-8, 0, 0, 0, 0, 0, 0, 0]])

  private func ranges(_ initializer: QuantizationConfiguration.RangeInitializer, _ source: (any BatchSource)?) throws -> InitializedRanges {
    try initializedRanges(for: setup, of: network(), initializer, calibration: source, batchSize: 2, communicator: SingleProcess())
  }

  @Test("each kind of initializer, worked by hand", arguments: QuantizationConfiguration.RangeInitializer.Kind.allCases)
  func kinds(_ kind: QuantizationConfiguration.RangeInitializer.Kind) throws {
    var initializer = QuantizationConfiguration.RangeInitializer()
    initializer.kind = kind
    let found = try ranges(initializer, samples)
    // Weights: channel maxima of absolute values.
    #expect(found.parameters["conv|WEIGHT.scale"] == Tensor([1, 2], shape: [2]))
    // x: samples' absolute maxima 4, 1, 8, minima −4, 0, −8; batches {0, 1} and {2}: maxima 4, 8, minima −4, −8.
    // relu: outputs are max(x0, 0) and max(−2·x1, 0): samples' maxima 8, 0.5, 0; batches' 8, 0.
    let expected: (input: Float, output: Float) =
      switch kind {
      case .minMax: (8, 8)
      case .meanMinMax: (6, 4)
      case .mixedMinMax: (8, Float(8.5 / 3))
      }
    #expect(found.parameters["x|OUTPUT.scale"] == Tensor([expected.input], shape: [1]))
    #expect(found.parameters["relu|OUTPUT.scale"] == Tensor([expected.output], shape: [1]))
    #expect(found.setup["x|OUTPUT"]?.specification.signed == true)
    #expect(found.setup["relu|OUTPUT"]?.specification.signed == false)
    #expect(found.uninitialized.isEmpty)
  }

  @Test("only the first samples are used, and none at all with 0")
  func sampleCount() throws {
    var initializer = QuantizationConfiguration.RangeInitializer()
    initializer.sampleCount = 1
    #expect(try ranges(initializer, samples).parameters["x|OUTPUT.scale"] == Tensor([4], shape: [1]))
    initializer.sampleCount = 0
    let nothing = try ranges(initializer, samples)
    #expect(nothing.parameters.isEmpty)
    #expect(nothing.uninitialized.count == 3)
  }

  @Test("without samples weights are initialised and activations named")
  func withoutSamples() throws {
    let found = try ranges(.init(), nil)
    #expect(Set(found.parameters.keys) == ["conv|WEIGHT.scale"])
    #expect(found.uninitialized == ["x|OUTPUT", "relu|OUTPUT"])
  }

  @Test("a unified group shares the range that holds all its members'")
  func unified() throws {
    var setup = setup
    setup.unifiedScaleGroups = [["x|OUTPUT", "relu|OUTPUT"]]
    var initializer = QuantizationConfiguration.RangeInitializer()
    initializer.kind = .minMax
    initializer.sampleCount = 2
    let found = try initializedRanges(for: setup, of: network(), initializer, calibration: samples, batchSize: 2, communicator: SingleProcess())
    #expect(found.parameters["x|OUTPUT.scale"] == Tensor([8], shape: [1]))
    #expect(found.parameters["relu|OUTPUT.scale"] == nil)
    #expect(found.setup["relu|OUTPUT"]?.specification.signed == true)
  }

  @Test("data that are not finite are refused with the quantizer's and the tensor's name")
  func notFinite() throws {
    let broken = ArraySource(samples: [[1, 2, 3, .nan, 0, 0, 0, 0]])
    #expect { try ranges(.init(), broken) } throws: { error in
      "\(error)".contains("'x|OUTPUT'") && "\(error)".contains("not finite")
    }
    var graph = network()
    graph.constants["w"]?.tensor = Tensor([1, .infinity, 0, 0], shape: [2, 2, 1, 1])
    #expect { try initializedRanges(for: setup, of: graph, .init(), calibration: nil, batchSize: 2, communicator: SingleProcess()) } throws: {
      error in
      "\(error)".contains("'conv|WEIGHT'") && "\(error)".contains("'w'")
    }
  }
}

@Suite("Batch norm adaptation moves only the running statistics")
struct AdaptedStatisticsTests {
  @Test("with the batches' statistics and the layer's momentum, in order")
  func momentum() throws {
    let graph = Graph(
      name: "bn", inputs: [.init(name: "x", type: TensorType([.batch, 1, 1, 1]))], outputs: ["y"],
      nodes: [Node(name: "bn", op: BatchNormalization(momentum: 0.5), inputs: ["x", "g", "b", "m", "v"], outputs: ["y"])],
      constants: [
        "g": .init(Tensor([1], shape: [1]), .parameter), "b": .init(Tensor([0], shape: [1]), .parameter),
        "m": .init(Tensor([0], shape: [1]), .statistic), "v": .init(Tensor([1], shape: [1]), .statistic),
      ])
    // Batches (1, 3) and (4, 8): means 2 and 6, unbiased variances 2 and 8. The fifth sample does not fill a batch.
    let source = ArraySource(samples: [[1], [3], [4], [8], [100]])
    let found = try adaptedStatistics(of: graph, sampleCount: 5, calibration: source, batchSize: 2, communicator: SingleProcess())
    #expect(found == ["m": Tensor([3.5], shape: [1]), "v": Tensor([4.75], shape: [1])])
    #expect(try adaptedStatistics(of: graph, sampleCount: 0, calibration: source, batchSize: 2, communicator: SingleProcess()).isEmpty)
  }
}
