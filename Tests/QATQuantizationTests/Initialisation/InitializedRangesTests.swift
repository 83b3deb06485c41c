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

  typealias Initializer = QuantizationConfiguration.RangeInitializer

  private func ranges(_ initializer: Initializer, _ source: (any BatchSource)?, _ setup: QuantizerSetup? = nil) throws -> InitializedRanges {
    try ranges(Dictionary(uniqueKeysWithValues: self.setup.points.map { ($0.id, initializer) }), source, setup)
  }

  private func ranges(
    _ initializers: [String: Initializer], _ source: (any BatchSource)?, _ setup: QuantizerSetup? = nil
  ) throws -> InitializedRanges {
    try initializedRanges(
      for: setup ?? self.setup, of: network(), initializers, calibration: source, batchSize: 2, communicator: SingleProcess())
  }

  /// What the data give, worked by hand, with percentiles 5 and 95. Batches hold the samples 0 and 1, and 2.
  ///
  /// - x: absolute maxima 4, 1, 8, minima −4, 0, −8. In order −8 −4 −3 −2 −1, thirteen zeros, 0.5 1 1 2 3 4: percentiles −3.85 and 2.85. The batches'
  ///   percentiles are −3.25 and 3.25, and −5.2 and 0. Without zeros the median is 0.5; from there the median deviation is 0.5.
  /// - relu: max(x0, 0) and max(−2·x1, 0): samples' maxima 8, 0.5, 0. In order fifteen zeros, 0.5 1 2 2 3 4 4 6 8: percentiles 0 and 5.7. The batches'
  ///   are 0 and 6.5, and 0 and 0. Without zeros the median is 3; from there the median deviation is 3, so that the range reaches below zero.
  /// - weights: (1, 0) and (0, −2).
  private static let expectations: [(kind: Initializer.Kind, weights: [Float], input: Float, relu: Float, reluIsSigned: Bool)] = [
    (.minMax, [1, 2], 8, 8, false),
    (.meanMinMax, [1, 2], 6, 4, false),
    (.mixedMinMax, [1, 2], Float(13) / 3, Float(8.5) / 3, false),
    (.percentile, [0.95, 1.9], 3.85, 5.7, false),
    (.meanPercentile, [0.95, 1.9], 4.225, 3.25, false),
    (.threeSigma, [1 + 3 * 1.482623 * 0.5, 2 + 3 * 1.482623], 0.5 + 3 * 1.482623 * 0.5, 3 + 3 * 1.482623 * 3, true),
  ]

  @Test("each kind of initializer, worked by hand", arguments: Initializer.Kind.allCases)
  func kinds(_ kind: Initializer.Kind) throws {
    var initializer = Initializer(kind)
    (initializer.minimumPercentile, initializer.maximumPercentile) = (5, 95)
    let found = try ranges(initializer, samples)
    let expected = try #require(Self.expectations.first { $0.kind == kind })
    // The true minimum of x is −8, which a symmetric mixed_min_max range holds.
    let input = kind == .mixedMinMax ? 8 : expected.input
    for (name, values) in [("conv|WEIGHT", expected.weights), ("x|OUTPUT", [input]), ("relu|OUTPUT", [expected.relu])] {
      let scale = try #require(found.parameters["\(name).scale"]?.floats)
      #expect(zip(scale, values).allSatisfy { abs($0 - $1) < 1e-5 } && scale.count == values.count, "\(name): \(scale), expected \(values)")
    }
    #expect(found.setup["x|OUTPUT"]?.specification.signed == true)
    #expect(found.setup["relu|OUTPUT"]?.specification.signed == expected.reluIsSigned)
    #expect(found.uninitialized.isEmpty)
  }

  @Test("each quantizer finds its range by its own initializer and from its own number of samples")
  func perLayer() throws {
    let one = Initializer(.minMax, sampleCount: 2)
    let found = try ranges(["x|OUTPUT": one, "relu|OUTPUT": Initializer(.meanMinMax), "conv|WEIGHT": Initializer(.minMax, sampleCount: 0)], samples)
    #expect(found.parameters["x|OUTPUT.scale"] == Tensor([4], shape: [1]))
    #expect(found.parameters["relu|OUTPUT.scale"] == Tensor([4], shape: [1]))
    #expect(found.uninitialized == ["conv|WEIGHT"])
  }

  @Test("the first samples in whole batches are used, and none at all with 0", arguments: [Initializer.Kind.minMax, .percentile])
  func sampleCount(_ kind: Initializer.Kind) throws {
    var initializer = Initializer(kind, sampleCount: 1)
    (initializer.minimumPercentile, initializer.maximumPercentile) = (0, 100)
    #expect(try ranges(initializer, samples).parameters["x|OUTPUT.scale"] == Tensor([4], shape: [1]))
    initializer.sampleCount = 3
    #expect(try ranges(initializer, samples).parameters["x|OUTPUT.scale"] == Tensor([8], shape: [1]))
    initializer.sampleCount = 0
    let nothing = try ranges(initializer, samples)
    #expect(nothing.parameters.isEmpty)
    #expect(nothing.uninitialized.count == 3)
  }

  @Test("without samples weights are initialised and activations named")
  func withoutSamples() throws {
    let found = try ranges(Initializer(), nil)
    #expect(Set(found.parameters.keys) == ["conv|WEIGHT.scale"])
    #expect(found.uninitialized == ["x|OUTPUT", "relu|OUTPUT"])
  }

  @Test("a unified group shares the range that holds all its members'")
  func unified() throws {
    var setup = setup
    setup.unifiedScaleGroups = [["x|OUTPUT", "relu|OUTPUT"]]
    let found = try ranges(Initializer(.minMax, sampleCount: 2), samples, setup)
    #expect(found.parameters["x|OUTPUT.scale"] == Tensor([8], shape: [1]))
    #expect(found.parameters["relu|OUTPUT.scale"] == nil)
    #expect(found.setup["relu|OUTPUT"]?.specification.signed == true)
  }

  @Test("data that are not finite are refused with the names of quantizer, tensor and sample", arguments: Initializer.Kind.allCases)
  func notFinite(_ kind: Initializer.Kind) throws {
    let broken = ArraySource(samples: samples.samples + [[1, 2, 3, .nan, 0, 0, 0, 0]])
    let error = #expect(throws: QuantizationError.self) { try ranges(Initializer(kind), broken) }
    #expect(
      error?.description.contains("quantizer 'x|OUTPUT': the tensor 'x' holds the value nan for calibration sample 3") == true, "\(error as Any)")
    var graph = network()
    graph.constants["w"]?.tensor = Tensor([1, 0, .infinity, 0], shape: [2, 2, 1, 1])
    let weight = #expect(throws: QuantizationError.self) {
      try initializedRanges(
        for: setup, of: graph, ["conv|WEIGHT": Initializer(kind)], calibration: nil, batchSize: 2, communicator: SingleProcess())
    }
    #expect(weight?.description.contains("'conv|WEIGHT': the weight 'w' of shape [2, 2, 1, 1] holds the value inf at place 2") == true)
  }

  @Test("a range that float32 cannot hold is refused")
  func tooWide() throws {
    let wide = ArraySource(samples: [[-3e38, 3e38, 0, 0, 0, 0, 0, 0]])
    var setup = setup
    setup.points[1].specification.mode = .asymmetric
    let error = #expect(throws: QuantizationError.self) { try ranges(Initializer(), wide, setup) }
    #expect(error?.description.contains("quantizer 'x|OUTPUT': the range -3") == true, "\(error as Any)")
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
