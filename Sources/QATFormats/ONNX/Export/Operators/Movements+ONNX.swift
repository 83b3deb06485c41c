import QATGraph
import QATTensor

extension Slice: ONNXWritable {
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    let bounds = [("starts", starts), ("ends", ends), ("axes", axes), ("steps", steps)]
    builder.append(node, with: bounds.map { ($0, Tensor(int64: $1.map(Int64.init))) })
  }
}

extension Pad: ONNXWritable {
  var opset: Int { mode == .wrap ? 19 : Self.firstOpset }

  var attributes: [ONNXAttributeProto] {
    switch mode {
    case .constant: []
    case .reflect: [.string("mode", "reflect")]
    case .edge: [.string("mode", "edge")]
    case .wrap: [.string("mode", "wrap")]
    }
  }

  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    var inputs: [(suffix: String, tensor: Tensor?)] = [("pads", Tensor(int64: pads.map(Int64.init)))]
    if case .constant(let value) = mode, value != 0 { inputs.append(("value", Tensor([value], shape: []))) }
    builder.append(node, with: inputs, attributes: attributes)
  }
}

extension Expand: ONNXWritable {
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    let shape = try builder.shape(self.shape, of: node)
    builder.node(node.type, name: node.name, inputs: node.inputs + [shape], outputs: node.outputs)
  }
}

extension Tile: ONNXWritable {
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    builder.append(node, with: [("repeats", Tensor(int64: repeats.map(Int64.init)))])
  }
}

extension Trilu: ONNXWritable {
  static var firstOpset: Int { 14 }

  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    let k = Tensor(shape: [], elements: .int64([Int64(diagonal)]))
    builder.append(node, with: diagonal == 0 ? [] : [("k", k)], attributes: [.flag("upper", keepsUpper)])
  }
}

extension DepthToSpace: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("blocksize", blockSize), .string("mode", order.rawValue)] }
}

extension SpaceToDepth: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("blocksize", blockSize)] }
}

extension ONNXModelBuilder {
  /// A tensor that holds `dimensions`: an initializer, or where the batch is among them, put together when the model runs.
  /// - Throws: `ONNXError` when no input of the network tells the batch size.
  mutating func shape(_ dimensions: [Dimension], of node: Node) throws(ONNXError) -> TensorName {
    let sizes = dimensions.compactMap(\.fixedSize)
    if sizes.count == dimensions.count { return constant("\(node.name)/shape", Tensor(int64: sizes.map(Int64.init))) }
    var parts: [TensorName] = []
    for dimension in dimensions {
      switch dimension {
      case .fixed(let size): parts.append(constant("\(node.name)/size", Tensor(int64: [Int64(size)])))
      case .batch(let multiple):
        var part = try batchSize(node)
        if multiple != 1 {
          let product = uniqueName("\(node.name)/batch")
          let factor = constant("\(node.name)/multiple", Tensor(int64: [Int64(multiple)]))
          self.node("Mul", name: product, inputs: [part, factor], outputs: [product])
          part = product
        }
        parts.append(part)
      }
    }
    let shape = uniqueName("\(node.name)/shape")
    self.node("Concat", name: shape, inputs: parts, outputs: [shape], attributes: [.int("axis", 0)])
    return shape
  }
}
