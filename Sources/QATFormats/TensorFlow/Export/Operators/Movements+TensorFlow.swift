import QATGraph
import QATTensor

extension Concat: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let type = writer.type(of: node.outputs[0])
    let axis = self.axis < 0 ? self.axis + type.rank : self.axis
    var layout = TensorFlowLayout.plain
    var inputs: [String] = []
    if node.inputs.contains(where: { writer.layout(of: $0) == .channelsLast }) {
      layout = .channelsLast
      for name in node.inputs { inputs.append(try writer.image(name)) }
    } else {
      for name in node.inputs { inputs.append(try writer.plain(name)) }
    }
    let place = writer.constant(Tensor(shape: [], elements: .int32([Int32(layout.fileAxis(axis, rank: type.rank))])), "axis", node)
    writer.emit(
      "ConcatV2", inputs + [place], layout, node, [.int("N", inputs.count), .type("T", type.elementType.tensorFlowType), .type("Tidx", .dtInt32)])
  }
}

extension Flatten: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitReshape(node) }
}

extension Reshape: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitReshape(node) }
}

extension Transpose: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let type = writer.type(of: node.inputs[0])
    let element = TFAttrEntry.type("T", type.elementType.tensorFlowType)
    let (x, layout) = try writer.input(node)
    // The file's order is often the wanted one already.
    if layout == .channelsLast, permutation == TensorFlowLayout.toFile(rank: type.rank) {
      return writer.emit("Identity", [x], .plain, node, [element])
    }
    if layout == .plain, type.rank == 4, permutation == TensorFlowLayout.toGraph(rank: 4) {
      return writer.emit("Identity", [x], .channelsLast, node, [element])
    }
    writer.emit(
      "Transpose", [try writer.plain(node.inputs[0]), writer.integers(permutation, "perm", node)], .plain, node, [element, .type("Tperm", .dtInt32)])
  }
}

extension Slice: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let type = writer.type(of: node.inputs[0])
    var (x, layout) = try writer.input(node)
    if layout.featurePlaces != nil { (x, layout) = (try writer.plain(node.inputs[0]), .plain) }
    var cuts = [(start: Int, end: Int, step: Int)](repeating: (0, 0, 1), count: type.rank)
    // Axes that stay whole have both bounds masked; −∞ and ∞ are bounds of their own here.
    var masks = [(begin: Bool, end: Bool)](repeating: (true, true), count: type.rank)
    for (index, axis) in axes.enumerated() {
      let axis = axis < 0 ? axis + type.rank : axis
      let size = type.dimensions[axis].fixedSize ?? Int(Int32.max)
      cuts[axis] = (min(max(starts[index], -size), size), min(max(ends[index], -size - 1), size), steps[index])
      masks[axis] = (starts[index] == 0 && steps[index] > 0, steps[index] > 0 ? ends[index] >= size : ends[index] < -size)
    }
    let ordered = layout.fileOrder(cuts)
    let marks = layout.fileOrder(masks)
    func mask(_ isMasked: ((begin: Bool, end: Bool)) -> Bool) -> Int {
      marks.enumerated().reduce(0) { $0 | (isMasked($1.element) ? 1 << $1.offset : 0) }
    }
    let bounds = [
      writer.integers(ordered.map(\.start), "begin", node), writer.integers(ordered.map(\.end), "end", node),
      writer.integers(ordered.map(\.step), "strides", node),
    ]
    writer.emit(
      "StridedSlice", [x] + bounds, layout, node,
      [
        .type("Index", .dtInt32), .type("T", type.elementType.tensorFlowType), .int("begin_mask", mask(\.begin)), .int("end_mask", mask(\.end)),
      ])
  }
}

extension Pad: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let type = writer.type(of: node.inputs[0])
    guard pads.allSatisfy({ $0 >= 0 }), mode != .edge, mode != .wrap else {
      throw writer.unsupported(node, "TensorFlow has no padding of this kind: \(mode), \(pads)")
    }
    var (x, layout) = try writer.input(node)
    if layout.featurePlaces != nil { (x, layout) = (try writer.plain(node.inputs[0]), .plain) }
    let before = layout.fileOrder(Array(pads.prefix(type.rank)))
    let after = layout.fileOrder(Array(pads.suffix(type.rank)))
    let paddings = Tensor(shape: [type.rank, 2], elements: .int32(zip(before, after).flatMap { [Int32(clamping: $0), Int32(clamping: $1)] }))
    let attributes = [TFAttrEntry.type("T", type.elementType.tensorFlowType), .type("Tpaddings", .dtInt32)]
    let inputs = [x, writer.constant(paddings, "paddings", node)]
    switch mode {
    case .constant(0): writer.emit("Pad", inputs, layout, node, attributes)
    case .constant(let value): writer.emit("PadV2", inputs + [writer.number(value, "value", node)], layout, node, attributes)
    default: writer.emit("MirrorPad", inputs, layout, node, attributes + [.string("mode", "REFLECT")])
    }
  }
}

extension Expand: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let type = writer.type(of: node.outputs[0])
    let shape = try writer.shape(type.dimensions, node)
    writer.emit(
      "BroadcastTo", [try writer.plain(node.inputs[0]), shape], .plain, node,
      [.type("T", type.elementType.tensorFlowType), .type("Tidx", .dtInt32)])
  }
}

extension Tile: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let type = writer.type(of: node.inputs[0])
    writer.emit(
      "Tile", [try writer.plain(node.inputs[0]), writer.integers(repeats, "repeats", node)], .plain, node,
      [.type("T", type.elementType.tensorFlowType), .type("Tmultiples", .dtInt32)])
  }
}

extension DepthToSpace: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    guard order == .depthColumnRow else {
      throw writer.unsupported(node, "TensorFlow counts the place in the block first, found the order \(order.rawValue)")
    }
    try writer.emitBlocks("DepthToSpace", blockSize, node)
  }
}

extension SpaceToDepth: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitBlocks("SpaceToDepth", blockSize, node) }
}

extension Gather: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (data, indices) = (writer.type(of: node.inputs[0]), writer.type(of: node.inputs[1]))
    let place = writer.constant(Tensor(shape: [], elements: .int32([Int32(axis < 0 ? axis + data.rank : axis)])), "axis", node)
    writer.emit(
      "GatherV2", [try writer.plain(node.inputs[0]), try writer.plain(node.inputs[1]), place], .plain, node,
      [
        .type("Taxis", .dtInt32), .type("Tindices", indices.elementType.tensorFlowType), .type("Tparams", data.elementType.tensorFlowType),
      ])
  }
}

extension Cast: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (x, layout) = try writer.input(node)
    let source = writer.type(of: node.inputs[0]).elementType
    writer.emit("Cast", [x], layout, node, [.type("DstT", elementType.tensorFlowType), .type("SrcT", source.tensorFlowType)])
  }
}

extension Where: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (inputs, layout) = try writer.operands(node)
    writer.emit("SelectV2", inputs, layout, node, [.type("T", writer.type(of: node.inputs[1]).elementType.tensorFlowType)])
  }
}

extension TensorFlowWriter {
  fileprivate mutating func emitBlocks(_ type: String, _ size: Int, _ node: Node) throws(TensorFlowError) {
    let element = self.type(of: node.inputs[0]).elementType.tensorFlowType
    emit(type, [try image(node.inputs[0])], .channelsLast, node, [.type("T", element), .int("block_size", size), .string("data_format", "NHWC")])
  }

  /// A tensor with other dimensions. Images that become rows keep the file's order, for the weights behind them to take.
  fileprivate mutating func emitReshape(_ node: Node) throws(TensorFlowError) {
    let (before, after) = (type(of: node.inputs[0]), type(of: node.outputs[0]))
    let attributes = [TFAttrEntry.type("T", after.elementType.tensorFlowType), .type("Tshape", .dtInt32)]
    var layout = TensorFlowLayout.plain
    var x: String
    let isImage = self.layout(of: node.inputs[0]) == .channelsLast
    // An image of one pixel or one channel has one order of elements.
    let isOrdered = isImage && (before.dimensions[2...].allSatisfy { $0 == 1 } || before.dimensions[1] == 1)
    if isImage, isOrdered {
      x = try image(node.inputs[0])
    } else if isImage, !isOutput(node.outputs[0]), before.rank == 4, after.rank == 2, before.dimensions[0] == after.dimensions[0],
      let channels = before.dimensions[1].fixedSize, let height = before.dimensions[2].fixedSize, let width = before.dimensions[3].fixedSize
    {
      x = try image(node.inputs[0])
      layout = .flattened(channels: channels, height: height, width: width)
    } else {
      x = try plain(node.inputs[0])
    }
    let isPixel = layout == .plain && after.rank == 4 && after.dimensions[2] == 1 && after.dimensions[3] == 1 && after.elementType == .float32
    if isPixel { layout = .channelsLast }
    let dimensions = layout.fileOrder(after.dimensions)
    let target: String
    if dimensions.count(where: { $0.fixedSize == nil }) <= 1 {
      target = integers(dimensions.map { $0.fixedSize ?? -1 }, "shape", node)
    } else {
      target = try shape(dimensions, node)
    }
    emit("Reshape", [x, target], layout, node, attributes)
  }
}
