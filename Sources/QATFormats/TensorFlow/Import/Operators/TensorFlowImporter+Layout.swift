import QATGraph
import QATImporting
import QATTensor

/// What gives elements another shape or order.
extension TensorFlowImporter {
  static let layouts: [String: OperatorImporter] = [
    "Reshape": { importer, node throws(TensorFlowError) in
      guard let target = try importer.value(1, node).integers?.elements, target.count <= 64 else {
        throw node.unsupported("only a shape that is known up to the batch size is")
      }
      try importer.reshape(to: target, node)
    },
    "Squeeze": squeeze, "ExpandDims": expandDims, "Transpose": transpose, "ConcatV2": concat,
  ]

  /// Gives the node's input the dimensions `target`, in the file's order, of which one may be −1.
  mutating func reshape(to target: [Dimension], _ node: TensorFlowNode) throws(TensorFlowError) {
    switch try value(0, node) {
    case .constant(let tensor, let origin):
      let shape = try resolved(target, for: tensor, node)
      try bind(node.name, to: .constant(tensor.reshaped(shape), origin: origin), node)
    case .quantized(var constant):
      constant.tensor = constant.tensor.reshaped(try resolved(target, for: constant.tensor, node))
      try bind(node.name, to: .quantized(constant), node)
    case .integers(let value):
      // Shape arithmetic knows scalars and vectors only.
      guard target.count < 2, value.elements.count == 1 || !target.isEmpty else {
        throw node.unsupported("of the numbers of a shape to \(target) is not")
      }
      try bind(node.name, to: .integers(SymbolicIntegers(elements: value.elements, isScalar: target.isEmpty)), node)
    case .computed(let name, let layout): try reshape(name, layout, to: target, node)
    case .unavailable: throw node.error("its input is not available")
    }
  }

  private func resolved(_ target: [Dimension], for tensor: Tensor, _ node: TensorFlowNode) throws(TensorFlowError) -> [Int] {
    let sizes = target.compactMap(\.fixedSize)
    // 0 means an empty tensor here, not a dimension that is copied.
    guard sizes.count == target.count, !sizes.contains(0) || tensor.count == 0, let shape = Reshape.resolved(sizes, for: tensor.shape) else {
      throw node.error("a constant of shape \(tensor.shape) cannot be reshaped to \(target)")
    }
    return shape
  }

  private mutating func reshape(_ name: TensorName, _ layout: TensorFlowLayout, to target: [Dimension], _ node: TensorFlowNode)
    throws(TensorFlowError)
  {
    guard !target.contains(0) else { throw node.unsupported("an empty tensor is not") }
    let type = type(of: name)
    let before = layout.fileOrder(type.dimensions)
    let after = try dimensions(of: TensorType(before, type.elementType), reshapedTo: target, node)
    if before == after { return try alias(.computed(name, layout), node) }
    // An image of one pixel or one channel has one order of elements.
    let isOrdered = layout != .channelsLast || type.dimensions[2...].allSatisfy { $0 == 1 } || type.dimensions[1] == 1
    if layout == .channelsLast, !isOrdered, after.count == 2, after[0] == before[0], type.rank == 4, let channels = type.dimensions[1].fixedSize,
      let height = type.dimensions[2].fixedSize, let width = type.dimensions[3].fixedSize, !isFileOutput(node)
    {
      let rows = TensorFlowLayout.flattened(channels: channels, height: height, width: width)
      return try emit(Flatten(axis: 1), [name], rows, node)
    }
    let source = isOrdered && layout == .channelsLast ? name : try inFileOrder(name, layout, node)
    // What comes out with one pixel is an image again.
    let isPixel = after.count == 4 && after[1] == 1 && after[2] == 1 && type.elementType == .float32
    let result: TensorFlowLayout = isPixel ? .channelsLast : .plain
    let op: Reshape
    do throws(ShapeError) {
      op = try Reshape(of: self.type(of: source), to: result.graphOrder(after), literalBatch: nil)
    } catch {
      throw node.error(error.description)
    }
    if productOutputs.contains(source) { productOutputs.insert(node.name) }
    try emit(op, [source], result, node)
  }

  /// The dimensions that a tensor of the file's order has behind a reshape.
  private func dimensions(of type: TensorType, reshapedTo target: [Dimension], _ node: TensorFlowNode) throws(TensorFlowError) -> [Dimension] {
    do throws(ShapeError) {
      return try Reshape(of: type, to: target, literalBatch: literalBatch).outputTypes(for: [type])[0].dimensions
    } catch {
      throw node.error(error.description)
    }
  }

  private static func squeeze(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let dimensions = try importer.dimensions(0, node)
    var given = try node.ints("squeeze_dims") ?? []
    if given.isEmpty { given = try node.ints("axis") ?? [] }
    var removed = Set<Int>()
    for axis in given.isEmpty ? dimensions.indices.filter({ dimensions[$0] == 1 }) : given {
      let index = axis < 0 ? axis + dimensions.count : axis
      guard dimensions.indices.contains(index), dimensions[index] == 1 else { throw node.error("axis \(axis) of \(dimensions) has not the size 1") }
      removed.insert(index)
    }
    try importer.reshape(to: dimensions.indices.filter { !removed.contains($0) }.map { dimensions[$0] }, node)
  }

  private static func expandDims(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    var dimensions = try importer.dimensions(0, node)
    let given = try importer.integers(1, "axis", node)
    guard given.count == 1, (-dimensions.count - 1...dimensions.count).contains(given[0]) else {
      throw node.error("the axes \(given) cannot be added")
    }
    dimensions.insert(1, at: given[0] < 0 ? given[0] + dimensions.count + 1 : given[0])
    try importer.reshape(to: dimensions, node)
  }

  private static func transpose(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let permutation = try importer.integers(1, "permutation", node)
    let rank = try importer.dimensions(0, node).count
    guard permutation.sorted() == Array(0..<rank) else { throw node.error("its permutation is \(permutation) for \(rank) dimensions") }
    if permutation == Array(0..<rank) { return try importer.alias(try importer.value(0, node), node) }
    switch try importer.value(0, node) {
    case .constant(let tensor, let origin):
      try importer.bind(node.name, to: .constant(tensor.transposed(permutation), origin: origin), node)
    case .quantized(var constant):
      let axis = constant.channelAxis(in: constant.tensor.shape)
      constant.tensor = constant.tensor.transposed(permutation)
      if let axis {
        guard axis >= 0, let place = permutation.firstIndex(of: axis) else {
          throw node.unsupported("of the channels of a quantized constant is not")
        }
        constant.inner = constant.tensor.shape[(place + 1)...].reduce(1, *)
      }
      try importer.bind(node.name, to: .quantized(constant), node)
    case .computed(let name, .channelsLast) where rank == 4 && permutation == TensorFlowLayout.toGraph(rank: 4):
      // The file changes to the order that the graph has anyway.
      try importer.alias(.computed(name, .plain), node)
    case .computed(let name, .plain) where rank == 4 && permutation == TensorFlowLayout.toFile(rank: 4):
      try importer.alias(.computed(name, .channelsLast), node)
    default: try importer.emit(Transpose(permutation: permutation), [try importer.plain(0, node)], .plain, node)
    }
  }

  private static func concat(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let last = node.inputs.count - 1
    guard last >= 1 else { throw node.error("ConcatV2 needs two inputs or more") }
    let given = try importer.integers(last, "axis", node)
    guard given.count == 1 else { throw node.error("its axes are \(given)") }
    var parts: [SymbolicIntegers] = []
    for index in 0..<last {
      if let value = try importer.value(index, node).integers, !value.isScalar { parts.append(value) }
    }
    if parts.count == last {
      let elements = parts.flatMap(\.elements)
      try importer.spend(elements.count, node)
      return try importer.bind(node.name, to: .integers(SymbolicIntegers(elements: elements)), node)
    }
    if try importer.fold(Concat(axis: given[0]), 0..<last, node) { return }
    let rank = try importer.dimensions(0, node).count
    let axis = given[0] < 0 ? given[0] + rank : given[0]
    guard (0..<rank).contains(axis) else { throw node.error("its axis is \(given[0]) for \(rank) dimensions") }
    let (inputs, layout) = try importer.operands(Array(0..<last), node)
    if case .flattened = layout {
      var plain: [TensorName] = []
      for index in 0..<last { plain.append(try importer.plain(index, node)) }
      return try importer.emit(Concat(axis: axis), plain, .plain, node)
    }
    try importer.emit(Concat(axis: layout.graphAxis(axis, rank: rank)), inputs, layout, node)
  }
}
