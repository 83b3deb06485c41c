import QATCommunication
import QATGraph
import QATTensor
import Testing

@testable import QATQuantization

@Suite("Embeddings")
struct EmbeddingTests {
  private static let ids = TensorType([.batch, .fixed(4)], .int64)

  /// Two embeddings of one size, each from its own ids, joined by `join` and multiplied.
  private func joined(_ join: some Operator) -> Graph {
    var net = GraphSketch("joined", inputs: [("a", Self.ids), ("b", Self.ids)])
    let both = net.node(join, [net.embedding("a", "first", rows: 5, size: 4), net.embedding("b", "second", rows: 7, size: 4)], "join")
    return net.finished(net.node(MatMul(), [both, net.parameter("w", [4, 3])], "product"))
  }

  /// One embedding, multiplied.
  private func single() -> Graph {
    var net = GraphSketch("single", inputs: [("ids", Self.ids)])
    return net.finished(net.node(MatMul(), [net.embedding("ids", "table", rows: 5, size: 4), net.parameter("w", [4, 3])], "product"))
  }

  @Test("a table whose rows are multiplied has one range, and no quantizer stands behind it", arguments: [TargetDevice.any, .cpu, .npu, .trial])
  func tableInsteadOfActivation(device: TargetDevice) throws {
    let setup = try place(single(), on: device)
    #expect(setup.points.map(\.id) == ["table|WEIGHT", "product|WEIGHT"])
    #expect(setup["table|WEIGHT"]?.specification.channelAxis == nil)
    #expect(setup["table|WEIGHT"]?.specification.halfRange == [.any, .cpu].contains(device))
    #expect(setup["table|WEIGHT"]?.quantizedOperators == ["table", "product"])
  }

  @Test("GPU's table does not know embeddings: their values are quantized behind them")
  func unknownToTheDevice() throws {
    let placement = try placement(single(), on: .gpu)
    #expect(placement.setup.points.map(\.id) == ["product|WEIGHT", "table|OUTPUT"])
    #expect(placement.floatReasons["table"] == "the device GPU does not compute Gather on integers")
  }

  @Test("a table that nobody reads on integers has a range for each row")
  func rowsOfTheirOwn() throws {
    var net = GraphSketch("normed", inputs: [("ids", Self.ids)])
    let setup = try place(net.finished(net.layerNorm(net.embedding("ids", "table", rows: 5, size: 4), "norm", 4)))
    #expect(setup.points.map(\.id) == ["table|WEIGHT"])
    #expect(setup["table|WEIGHT"]?.specification.channelAxis == 0 && setup["table|WEIGHT"]?.specification.parameterShape == [5])
  }

  @Test("what the demands tell apart is quantized twice: the table by rows, then its values")
  func requantization() throws {
    let channels = try place(single()) { $0.weights.demands.perChannel = true }
    #expect(channels.points.map(\.id) == ["table|WEIGHT", "product|WEIGHT", "table|OUTPUT"])
    let modes = try place(single()) { $0.preset = .mixed }
    #expect(modes["table|OUTPUT"]?.specification.mode == .asymmetric && modes["table|WEIGHT"]?.specification.perChannel == true)
  }

  @Test("an ignored table leaves the quantizer behind it")
  func ignored() throws {
    let setup = try place(single()) { $0.weights.ignoredScopes = ["table"] }
    #expect(setup.points.map(\.id) == ["product|WEIGHT", "table|OUTPUT"])
  }

  @Test("a table that a product reads as well keeps a range for each output")
  func tied() throws {
    var net = GraphSketch("tied", inputs: [("ids", Self.ids)])
    let x = net.embedding("ids", "table", rows: 5, size: 4)
    let turned = net.node(Transpose(permutation: [1, 0]), ["table.weight"], "turned")
    let setup = try place(net.finished(net.node(MatMul(), [x, turned], "scores")))
    #expect(setup.points.map(\.id) == ["table|WEIGHT", "table|OUTPUT"])
    #expect(setup["table|WEIGHT"]?.specification.channelAxis == 0)
    #expect(setup["table|WEIGHT"]?.quantizedOperators.contains("scores") == true)
  }

  @Test("tables that a concatenation or NPU's arithmetic joins share one scale and the grid of activations")
  func unified() throws {
    for (graph, device) in [(joined(Concat(axis: 1)), TargetDevice.any), (joined(Add()), .npu)] {
      let setup = try place(graph, on: device)
      #expect(setup.unifiedScaleGroups == [["first|WEIGHT", "second|WEIGHT"]])
      #expect(setup.weightPoints.filter { $0.id != "product|WEIGHT" }.allSatisfy { !$0.specification.halfRange && !$0.specification.narrowRange })
      #expect(try graph.inserting(setup).validated().nodes.count { $0.op is FakeQuantize } == setup.points.count)
    }
  }

  @Test("a table and an activation that are joined share one scale, which the table owns and which holds the ranges of both")
  func sharedWithAnActivation() throws {
    var net = GraphSketch("mixed", inputs: [("ids", Self.ids), ("x", TensorType([.batch, .fixed(4), .fixed(4)]))])
    net.parameter("table.weight", [5, 4], of: 3)
    let both = net.node(Concat(axis: 1), [net.node(Gather(), ["table.weight", "ids"], "table"), "x"], "join")
    let graph = net.finished(net.node(MatMul(), [both, net.parameter("w", [4, 3])], "product"))
    let setup = try place(graph)
    #expect(setup.unifiedScaleGroups == [["table|WEIGHT", "x|OUTPUT"]])
    #expect(setup["x|OUTPUT"]?.specification.forcedSign == true)
    let initializers = try QuantizationConfiguration().rangeInitializers(for: setup)
    let found = try initializedRanges(for: setup, of: graph, initializers, calibration: nil, batchSize: 4, communicator: SingleProcess())
    #expect(found.parameters["table|WEIGHT.scale"]?.floats == [3])
    #expect(found.parameters["x|OUTPUT.scale"] == nil)
  }

  @Test("choosing one token of many does not stop a quantizer, though its index is a constant")
  func constantIndices() throws {
    var net = GraphSketch("chosen", inputs: [("x", TensorType([.batch, .fixed(4), .fixed(4)]))])
    let first = net.node(Gather(axis: 1), ["x", net.index("first", 0)], "first_token")
    let setup = try place(net.finished(net.node(MatMul(), [first, net.parameter("w", [4, 3])], "product")))
    #expect(setup.activationIDs == ["x|OUTPUT"])
  }
}
