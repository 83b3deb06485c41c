import QATEngine
import QATGraph
import QATTensor
import Testing

/// A layer between quantizers, and what plain integer arithmetic makes of it.
protocol IntegerLayer: Sendable, CustomTestStringConvertible {
  var name: String { get }
  /// The quantizer of the layer's input.
  var activation: FakeQuantize { get }
  /// The quantizer of the layer's weight.
  var weight: FakeQuantize { get }
  var hasBias: Bool { get }
  /// How far the weights reach beyond their grids: 1 leaves them inside, more makes most codes extreme.
  var excess: Float { get }
  /// The input's dimensions behind the batch.
  var inputShape: [Int] { get }
  var weightShape: [Int] { get }
  /// The weight's axis of output channels.
  var outputAxis: Int { get }
  /// x → quantizer → layer with a quantized weight → y.
  var graph: Graph { get }
  /// The output for row-major `x`: sums of products of whole numbers, brought to scale in two roundings.
  func expected(_ x: [Float], batch: Int) throws -> [Float]
}

/// Whole numbers for which a layer's operands stand, and what brings sums of their products to scale.
struct LayerCodes {
  var input, weights: [Int]
  /// Of each output channel: step of the input times step of the weight.
  var scales: [Float]
  /// Of each output channel; zeros without one.
  var bias: [Float]
}

extension IntegerLayer {
  var testDescription: String { name }
  private var outputs: Int { weightShape[outputAxis] }

  /// What comes before the layer: quantized x, weight and perhaps bias, as "xq", "wq" and "b".
  var operands: Graph {
    var graph = Graph(name: name, outputs: ["y"])
    graph.inputs = [.init(name: "x", type: TensorType([.batch] + inputShape.map(Dimension.fixed)))]
    graph.constants["w"] = .init(Tensor(randomFloats(weightShape.elementCount, seed: 7).map { $0 * 0.4 * excess }, shape: weightShape), .parameter)
    let scales = weight.channelAxis == nil ? 1 : outputs
    graph.constants["w.scale"] = .init(Tensor(randomFloats(scales, seed: 8).map { 0.5 + abs($0) * 0.1 }, shape: [scales]), .parameter)
    var parameters = ["x.scale"]
    if activation.mode == .asymmetric {
      parameters = ["x.low", "x.range"]
      graph.constants["x.low"] = .init(Tensor([-0.43], shape: [1]), .parameter)
      graph.constants["x.range"] = .init(Tensor([1.61], shape: [1]), .parameter)
    } else {
      graph.constants["x.scale"] = .init(Tensor([1.23], shape: [1]), .parameter)
    }
    graph.nodes = [
      Node(name: "x|FQ", op: activation, inputs: ["x"] + parameters, outputs: ["xq"]),
      Node(name: "w|FQ", op: weight, inputs: ["w", "w.scale"], outputs: ["wq"]),
    ]
    if hasBias { graph.constants["b"] = .init(Tensor(randomFloats(outputs, seed: 9), shape: [outputs]), .parameter) }
    return graph
  }

  /// The codes of x and of the weight, each row-major.
  func codes(_ x: [Float]) throws -> LayerCodes {
    let graph = graph
    func floats(_ name: String) throws -> [Float] { try #require(graph.tensor(name)?.floats.map { Array($0) }) }
    let gridX: FakeQuantize.Grid<Float> =
      activation.mode == .asymmetric
      ? activation.grid(inputLow: try floats("x.low")[0], inputRange: try floats("x.range")[0]) : activation.grid(scale: try floats("x.scale")[0])
    let gridsW: [FakeQuantize.Grid<Float>] = try floats("w.scale").map { weight.grid(scale: $0) }
    func grid(_ channel: Int) -> FakeQuantize.Grid<Float> { gridsW[gridsW.count == 1 ? 0 : channel] }
    let stride = weightShape.rowMajorStrides[outputAxis]
    var codesW = try floats("w").enumerated().map { grid($0.offset / stride % outputs).code($0.element) }
    weight.pairing?.limit(&codesW, shape: weightShape)
    return LayerCodes(
      input: x.map { Int(gridX.code($0)) }, weights: codesW.map { Int($0) }, scales: (0..<outputs).map { gridX.step * grid($0).step },
      bias: hasBias ? try floats("b") : Array(repeating: 0, count: outputs))
  }
}

/// All kinds of layers.
let integerLayers: [any IntegerLayer] = IntegerCase.all + LinearCase.all
