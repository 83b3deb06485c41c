import QATGraph
import QATTensor

/// An operator that TensorFlow has a spelling for. Conformances stand in `Operators/`, one file a family.
protocol TensorFlowWritable: Operator {
  /// Adds what makes the output of `node`.
  /// - Throws: `TensorFlowError` for attributes or shapes that TensorFlow cannot say.
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError)
}

/// An operator that TensorFlow has under a name of its own, on each element by itself.
protocol TensorFlowElementwise: TensorFlowWritable {
  var tensorFlowType: String { get }
  var attributes: [TFAttrEntry] { get }
}

extension TensorFlowElementwise {
  var tensorFlowType: String { Self.type }
  var attributes: [TFAttrEntry] { [] }

  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (inputs, layout) = try writer.operands(node)
    writer.emitFloat(tensorFlowType, inputs, layout, node, attributes)
  }
}

extension TensorFlowWriter {
  /// The inputs of a node that broadcasts them to each other, in one order of axes.
  mutating func operands(_ node: Node) throws(TensorFlowError) -> ([String], TensorFlowLayout) {
    let computed = node.inputs.filter { graph.constants[$0] == nil }
    let rank = node.inputs.map { type(of: $0).rank }.max() ?? 0
    var layout = TensorFlowLayout.plain
    if computed.contains(where: { self.layout(of: $0) == .channelsLast && type(of: $0).rank == rank }) {
      layout = .channelsLast
    } else if let first = computed.first.flatMap({ self.layout(of: $0) }), computed.allSatisfy({ self.layout(of: $0) == first }) {
      layout = first
    }
    var inputs: [String] = []
    for name in node.inputs { inputs.append(try operand(name, layout, rank: rank, node)) }
    return (inputs, layout)
  }

  private mutating func operand(_ name: TensorName, _ layout: TensorFlowLayout, rank: Int, _ node: Node) throws(TensorFlowError) -> String {
    let type = type(of: name)
    if graph.constants[name] != nil { return constant(name, "\(layout) \(rank)") { Self.ordered($0, layout, rank: rank) } }
    if layout == .channelsLast, type.rank == rank { return try image(name) }
    if self.layout(of: name) == layout { return try layout == .channelsLast ? image(name) : reference(name) }
    if layout == .channelsLast, type.rank > 0 {
      guard type.dimensions.allSatisfy({ $0.fixedSize != nil }) else { throw unsupported(node, "it broadcasts \(type) over an image") }
      let raised = [Int](repeating: 1, count: rank - type.rank) + type.dimensions.compactMap(\.fixedSize)
      let shape = integers(TensorFlowLayout.channelsLast.fileOrder(raised), "raised_shape", node)
      // Ones around one axis leave the order of elements as it is.
      guard raised.count(where: { $0 != 1 }) <= 1 else { throw unsupported(node, "it broadcasts \(type) over an image") }
      return helper("Reshape", [try plain(name), shape], "raised", node, [.type("T", type.elementType.tensorFlowType), .type("Tshape", .dtInt32)])
    }
    return try plain(name)
  }

  /// A constant in the order that its neighbours have, without leading dimensions of 1.
  private static func ordered(_ tensor: Tensor, _ layout: TensorFlowLayout, rank: Int) -> Tensor {
    var result = tensor
    switch layout {
    case .plain: return tensor
    case .channelsLast:
      result = tensor.reshaped([Int](repeating: 1, count: rank - tensor.shape.count) + tensor.shape).transposed(TensorFlowLayout.toFile(rank: rank))
    case .flattened:
      guard let places = layout.featurePlaces, tensor.shape.last == places.count, tensor.count == places.count else { return tensor }
      result = Tensor(shape: tensor.shape, elements: tensor.elements.gathered(places))
    }
    return result.reshaped(Array(result.shape.drop { $0 == 1 }))
  }

  /// A tensor in the order in which it stands in the file.
  mutating func reference(_ name: TensorName) throws(TensorFlowError) -> String {
    layout(of: name) == .channelsLast ? try image(name) : layout(of: name) == .plain || layout(of: name) == nil ? try plain(name) : fileName(of: name)
  }

  /// The one input of a node as it stands in the file, and its order.
  mutating func input(_ node: Node) throws(TensorFlowError) -> (String, TensorFlowLayout) {
    (try reference(node.inputs[0]), layout(of: node.inputs[0]) ?? .plain)
  }
}
