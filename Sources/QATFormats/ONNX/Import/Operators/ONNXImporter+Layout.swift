import QATGraph
import QATImporting
import QATTensor

/// What moves elements without changing them. Squeezing and unsqueezing become reshapes.
extension ONNXImporter {
  static let layout: [String: OperatorImporter] = [
    "Flatten": flatten, "Reshape": reshape, "Transpose": transpose, "Concat": concat, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
  ]

  private static func flatten(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    try importer.apply(Flatten(axis: try node.int("axis", default: 1)), to: ["input"], node)
  }

  private static func reshape(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let target = try importer.inputValue(1, node)?.integers else {
      throw node.unsupported("only a shape that is known up to the batch size is")
    }
    guard target.elements.count <= 64 else { throw node.error("it reshapes to \(target.elements.count) dimensions") }
    if try node.flag("allowzero", default: false), target.elements.contains(0) { throw node.unsupported("an empty tensor is not") }
    switch try importer.inputValue(0, node) {
    case .constant(let tensor):
      guard let shape = target.known, let resolved = Reshape.resolved(shape, for: tensor.shape) else {
        throw node.error("a constant of shape \(tensor.shape) cannot be reshaped to \(target.elements)")
      }
      try importer.bind(node.output, to: .constant(tensor.reshaped(resolved)), node)
    case .integers(let value):
      // Shape arithmetic knows scalars and vectors only.
      guard target.elements.isEmpty || target.elements.count == 1 else {
        throw node.unsupported("a shape in \(target.elements.count) dimensions is not")
      }
      guard value.elements.count == 1 || !target.elements.isEmpty else { throw node.error("\(value.elements.count) numbers cannot become one") }
      try importer.bind(node.output, to: .integers(SymbolicIntegers(elements: value.elements, isScalar: target.elements.isEmpty)), node)
    case .computed(let x):
      guard let type = importer.types[x] else { throw node.error("it reads an unknown tensor") }
      let op: Reshape
      do throws(ShapeError) {
        op = try Reshape(of: type, to: target.elements, literalBatch: importer.literalBatch)
      } catch {
        throw node.error(error.description)
      }
      try importer.emit(op, [x], node)
    default: throw node.error("Reshape needs the input 'data'")
    }
  }

  private static func transpose(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let rank = try importer.type(0, "data", node).rank
    try importer.apply(Transpose(permutation: try node.ints("perm") ?? Array((0..<rank).reversed())), to: ["data"], node)
  }

  private static func concat(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    var parts: [SymbolicIntegers] = []
    for index in node.inputs.indices {
      if let value = try importer.inputValue(index, node)?.integers, !value.isScalar { parts.append(value) }
    }
    if parts.count == node.inputs.count, !parts.isEmpty {
      let elements = parts.flatMap(\.elements)
      try importer.spend(elements.count, node)
      return try importer.bind(node.output, to: .integers(SymbolicIntegers(elements: elements)), node)
    }
    guard node.has("axis") else { throw node.error("Concat needs the attribute 'axis'") }
    let op = Concat(axis: try node.int("axis", default: 0))
    if try importer.fold(op, node) { return }
    var inputs: [TensorName] = []
    for index in node.inputs.indices { inputs.append(try importer.tensor(index, "inputs", node)) }
    try importer.emit(op, try importer.batched(inputs, op, node), node)
  }

  /// The tensors to be joined. A file with a fixed batch of 1 joins constants of one sample to the batch, such as the class token of a transformer:
  /// they are repeated for each sample.
  private mutating func batched(_ inputs: [TensorName], _ op: Concat, _ node: ONNXImportNode) throws(ONNXError) -> [TensorName] {
    let batch = inputs.compactMap { types[$0]?.dimensions.first }.first { $0.fixedSize == nil }
    guard literalBatch == 1, let batch, op.axis != 0 else { return inputs }
    var result: [TensorName] = []
    for name in inputs {
      guard graph.constants[name] != nil, let dimensions = types[name]?.dimensions, dimensions.first == 1 else {
        result.append(name)
        continue
      }
      result.append(try emitHelper(Expand(shape: [batch] + dimensions.dropFirst()), [name], "batch", node))
    }
    return result
  }

  private static func squeeze(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    try importer.changeRank(node) { dimensions, axes, node throws(ONNXError) in
      var removed = Set<Int>()
      for axis in axes ?? dimensions.indices.filter({ dimensions[$0] == 1 }) {
        let index = axis < 0 ? axis + dimensions.count : axis
        guard dimensions.indices.contains(index), dimensions[index] == 1 else { throw node.error("axis \(axis) of \(dimensions) has not the size 1") }
        removed.insert(index)
      }
      return dimensions.indices.filter { !removed.contains($0) }.map { dimensions[$0] }
    }
  }

  private static func unsqueeze(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    try importer.changeRank(node) { dimensions, axes, node throws(ONNXError) in
      let rank = dimensions.count + (axes?.count ?? 0)
      let places = Set((axes ?? []).map { $0 < 0 ? $0 + rank : $0 })
      guard let axes, rank <= 64, places.count == axes.count, places.allSatisfy({ (0..<rank).contains($0) }) else {
        throw node.error("the axes \(axes.map { "\($0.prefix(8))" } ?? "(none)") cannot be added to \(dimensions)")
      }
      var rest = dimensions[...]
      return (0..<rank).map { places.contains($0) ? 1 : rest.removeFirst() }
    }
  }

  /// Gives the node's input other dimensions of size 1: `change` computes the new dimensions from the old ones and the axes.
  private mutating func changeRank(
    _ node: ONNXImportNode, _ change: ([Dimension], [Int]?, ONNXImportNode) throws(ONNXError) -> [Dimension]
  ) throws(ONNXError) {
    var axes = try node.ints("axes")
    if node.opset >= 13, node.input(1) != nil {
      guard let known = try constant(1, node)?.integers else { throw node.unsupported("only constant axes are") }
      axes = known
    }
    switch try inputValue(0, node) {
    case .constant(let tensor):
      let shape = try change(tensor.shape.map(Dimension.fixed), axes, node).compactMap(\.fixedSize)
      try bind(node.output, to: .constant(tensor.reshaped(shape)), node)
    case .integers(let value):
      let shape = try change(value.isScalar ? [] : [.fixed(value.elements.count)], axes, node)
      guard shape.count < 2 else { throw node.unsupported("a shape in \(shape.count) dimensions is not") }
      try bind(node.output, to: .integers(SymbolicIntegers(elements: value.elements, isScalar: shape.isEmpty)), node)
    case .sampleIndices(var indices):
      // The axis of the samples is found again by a size that no other has.
      let marked = indices.offsets.shape.enumerated().map { $0 == indices.axis ? Dimension.batch : .fixed($1) }
      let shape = try change(marked, axes, node)
      guard let axis = shape.firstIndex(of: .batch) else { throw node.unsupported("of the numbers of samples") }
      indices.axis = axis
      indices.offsets = indices.offsets.reshaped(shape.map { $0.fixedSize ?? 1 })
      try bind(node.output, to: .sampleIndices(indices), node)
    case .computed(let x):
      guard let type = types[x] else { throw node.error("it reads an unknown tensor") }
      let dimensions = try change(type.dimensions, axes, node)
      // The batch may have moved; only its own place can be copied with 0.
      let shape = dimensions.enumerated().map { axis, size in size.fixedSize ?? (axis < type.rank && type.dimensions[axis] == size ? 0 : -1) }
      try emit(Reshape(shape: shape), [x], node)
    default: throw node.error("\(node.type) needs the input 'data'")
    }
  }
}
