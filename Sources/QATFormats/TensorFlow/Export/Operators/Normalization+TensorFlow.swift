import QATGraph
import QATTensor

extension BatchNormalization: TensorFlowWritable {
  /// TensorFlow's operator for images; for other tensors the formula, as Keras spells it.
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let rank = writer.type(of: node.inputs[0]).rank
    if rank == 4 {
      var inputs = [try writer.image(node.inputs[0])]
      for name in node.inputs.dropFirst() { inputs.append(try writer.plain(name)) }
      return writer.emitFloat(
        "FusedBatchNormV3", inputs, .channelsLast, node,
        [.type("U", .dtFloat), .string("data_format", "NHWC"), .float("epsilon", epsilon), .flag("is_training", false)])
    }
    let x = try writer.plain(node.inputs[0])
    let shape = [writer.type(of: node.inputs[1]).dimensions[0].fixedSize ?? 0] + [Int](repeating: 1, count: rank - 2)
    var vectors: [String] = []
    for name in node.inputs.dropFirst() {
      guard writer.graph.constants[name] != nil else { throw writer.unsupported(node, "its '\(name)' is computed") }
      vectors.append(writer.constant(name, "vector \(rank)") { $0.reshaped(shape) })
    }
    let shifted = writer.floatHelper("AddV2", [vectors[3], writer.number(epsilon, "epsilon", node)], "shifted", node)
    let root = writer.floatHelper("Rsqrt", [shifted], "root", node)
    let factor = writer.floatHelper("Mul", [root, vectors[0]], "factor", node)
    let scaled = writer.floatHelper("Mul", [x, factor], "scaled", node)
    let mean = writer.floatHelper("Mul", [vectors[2], factor], "mean", node)
    let shift = writer.floatHelper("Sub", [vectors[1], mean], "shift", node)
    writer.emitFloat("AddV2", [scaled, shift], .plain, node)
  }
}

extension LayerNormalization: TensorFlowWritable {
  /// The formula, as Keras spells it.
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let rank = writer.type(of: node.inputs[0]).rank
    let x = try writer.plain(node.inputs[0])
    let axes = writer.integers(Array((axis < 0 ? axis + rank : axis)..<rank), "axes", node)
    let reducing = [TFAttrEntry.type("Tidx", .dtInt32), .flag("keep_dims", true)]
    let mean = writer.floatHelper("Mean", [x, axes], "mean", node, reducing)
    let square = writer.floatHelper("SquaredDifference", [x, mean], "squared_difference", node)
    let variance = writer.floatHelper("Mean", [square, axes], "variance", node, reducing)
    let shifted = writer.floatHelper("AddV2", [variance, writer.number(epsilon, "epsilon", node)], "shifted", node)
    let root = writer.floatHelper("Rsqrt", [shifted], "root", node)
    let factor = writer.floatHelper("Mul", [root, try writer.plain(node.inputs[1])], "factor", node)
    let scaled = writer.floatHelper("Mul", [x, factor], "scaled", node)
    let negated = writer.floatHelper("Neg", [mean], "negated", node)
    let shift = writer.floatHelper("Mul", [negated, factor], "shift", node)
    guard node.inputs.count > 2 else { return writer.emitFloat("AddV2", [scaled, shift], .plain, node) }
    let bias = writer.floatHelper("AddV2", [shift, try writer.plain(node.inputs[2])], "bias", node)
    writer.emitFloat("AddV2", [scaled, bias], .plain, node)
  }
}

/// A reduction that TensorFlow has an operator for.
protocol TensorFlowReduction: TensorFlowWritable, ReductionOperator {
  static var tensorFlowType: String { get }
}

extension TensorFlowReduction {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let rank = writer.type(of: node.inputs[0]).rank
    guard let reduced = try? reducedAxes(rank: rank) else { throw writer.unsupported(node, "its axes \(axes) do not fit") }
    var (x, layout) = try writer.input(node)
    let left = (0..<rank).map { layout.graphAxis($0, rank: rank) }.filter { !reduced.contains($0) }
    // What remains must be in the same order on both sides.
    if layout.featurePlaces != nil || (!keepsDimensions && left != left.sorted()) { (x, layout) = (try writer.plain(node.inputs[0]), .plain) }
    let axes = reduced.map { layout.fileAxis($0, rank: rank) }.sorted()
    writer.emitFloat(
      Self.tensorFlowType, [x, writer.integers(axes, "axes", node)], keepsDimensions ? layout : .plain, node,
      [.type("Tidx", .dtInt32), .flag("keep_dims", keepsDimensions)])
  }
}

extension ReduceMean: TensorFlowReduction {
  static var tensorFlowType: String { "Mean" }
}

extension ReduceSum: TensorFlowReduction {
  static var tensorFlowType: String { "Sum" }
}

extension ReduceProd: TensorFlowReduction {
  static var tensorFlowType: String { "Prod" }
}

extension ReduceMax: TensorFlowReduction {
  static var tensorFlowType: String { "Max" }
}

extension ReduceMin: TensorFlowReduction {
  static var tensorFlowType: String { "Min" }
}
