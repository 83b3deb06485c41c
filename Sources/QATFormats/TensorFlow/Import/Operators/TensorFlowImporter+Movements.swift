import QATGraph
import QATImporting
import QATTensor

/// What takes parts of tensors, repeats or pads them.
extension TensorFlowImporter {
  static let movements: [String: OperatorImporter] = [
    "Pad": pad, "PadV2": pad, "MirrorPad": pad,
    "Slice": slice, "StridedSlice": stridedSlice,
    "Split": split, "SplitV": split, "Unpack": unpack, "Pack": pack,
    "Tile": { importer, node throws(TensorFlowError) in
      let repeats = try importer.integers(1, "repeats", node)
      if try importer.fold(Tile(repeats: repeats), 0..<1, node) { return }
      let (name, layout) = try importer.movable(0, node)
      try importer.emit(Tile(repeats: layout.graphOrder(repeats)), [name], layout, node)
    },
    "GatherV2": { importer, node throws(TensorFlowError) in
      let axis = try importer.integers(2, "axis", node)
      guard axis.count == 1, try node.int("batch_dims", default: 0) == 0 else { throw node.unsupported("with batch_dims is not") }
      if try importer.gatherNumbers(node) { return }
      if try importer.fold(Gather(axis: axis[0]), 0..<2, node) { return }
      try importer.emit(Gather(axis: axis[0]), [try importer.plain(0, as: .parameter, node), try importer.plain(1, node)], .plain, node)
    },
    "DepthToSpace": block { DepthToSpace(blockSize: $0) }, "SpaceToDepth": block { SpaceToDepth(blockSize: $0) },
  ]

  /// A tensor whose axes an operator names one by one, in whatever order it has.
  private mutating func movable(_ index: Int, _ node: TensorFlowNode) throws(TensorFlowError) -> (TensorName, TensorFlowLayout) {
    if case .computed(let name, .channelsLast) = try value(index, node) { return (name, .channelsLast) }
    return (try plain(index, node), .plain)
  }

  /// An importer of a movement between channels and space; channels are counted alike in both orders.
  private static func block(_ make: @escaping @Sendable (Int) -> any Operator) -> OperatorImporter {
    { importer, node throws(TensorFlowError) in
      guard try node.string("data_format") ?? "NHWC" == "NHWC" else { throw node.unsupported("only data_format NHWC is") }
      try importer.emit(make(try node.int("block_size", default: 0)), [try importer.image(0, node)], .channelsLast, node)
    }
  }

  private static func pad(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let paddings = try importer.integers(1, "paddings", node)
    let (name, layout) = try importer.movable(0, node)
    let rank = importer.type(of: name).rank
    guard paddings.count == 2 * rank, paddings.allSatisfy({ $0 >= 0 }) else {
      throw node.error("its paddings are \(paddings.prefix(8)) for \(rank) dimensions")
    }
    var mode = Pad.Mode.constant(0)
    if node.type == "PadV2" {
      guard let value = try importer.constant(2, node)?.floats, value.count == 1 else { throw node.unsupported("only with a constant number is") }
      mode = .constant(value[0])
    }
    if node.type == "MirrorPad" {
      guard try node.string("mode") == "REFLECT" else { throw node.unsupported("only mode REFLECT is") }
      mode = .reflect
    }
    let before = layout.graphOrder((0..<rank).map { paddings[2 * $0] })
    let after = layout.graphOrder((0..<rank).map { paddings[2 * $0 + 1] })
    try importer.emit(Pad(pads: before + after, mode: mode), [name], layout, node)
  }

  // MARK: Slices

  /// One axis of a slice: where it begins and ends, and its step.
  private struct Cut {
    var start = 0
    var end = Int(Int32.max)
    var step = 1
    var isWhole: Bool { start == 0 && end == Int(Int32.max) && step == 1 }
  }

  /// Cuts the input and makes the result the node's output at `index`; `shape` is the result's in the file's order when axes of it are dropped or added.
  private mutating func cut(_ cuts: [Cut], dropping dropped: Set<Int> = [], output index: Int = 0, input: Int = 0, _ node: TensorFlowNode)
    throws(TensorFlowError)
  {
    if case .constant(let tensor, let origin) = try value(input, node) {
      guard let result = try evaluated(Self.slice(cuts, .plain), [tensor], node) else { throw node.unsupported("of this constant is not") }
      let shape = result.shape.indices.filter { !dropped.contains($0) }.map { result.shape[$0] }
      return try bind(node.output(index), to: .constant(result.reshaped(shape), origin: origin), node)
    }
    let (name, layout) = dropped.isEmpty ? try movable(input, node) : (try plain(input, node), .plain)
    guard dropped.isEmpty else {
      let part = try emitHelper(Self.slice(cuts, .plain), [name], "slice", node)
      let rest = type(of: part).dimensions.enumerated().filter { !dropped.contains($0.offset) }.map(\.element)
      let op: Reshape
      do throws(ShapeError) {
        op = try Reshape(of: type(of: part), to: rest, literalBatch: nil)
      } catch {
        throw node.error(error.description)
      }
      return try emit(op, [part], .plain, node, output: index)
    }
    if cuts.allSatisfy(\.isWhole) { return try alias(.computed(name, layout), node, output: index) }
    try emit(Self.slice(cuts, layout), [name], layout, node, output: index)
  }

  private static func slice(_ cuts: [Cut], _ layout: TensorFlowLayout) -> Slice {
    let ordered = layout.graphOrder(cuts)
    let axes = ordered.indices.filter { !ordered[$0].isWhole }
    return Slice(
      axes: axes, starts: axes.map { ordered[$0].start }, ends: axes.map { ordered[$0].end }, steps: axes.map { ordered[$0].step })
  }

  private static func slice(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let begins = try importer.integers(1, "begin", node)
    let dimensions = try importer.dimensions(0, node)
    guard let sizes = try importer.value(2, node).integers?.elements, begins.count == dimensions.count, sizes.count == dimensions.count else {
      throw node.error("its begin and size do not fit \(dimensions)")
    }
    var cuts: [Cut] = []
    for (axis, size) in sizes.enumerated() {
      if begins[axis] == 0, size == -1 || size == dimensions[axis] {
        cuts.append(Cut())
      } else {
        guard let count = size.fixedSize, begins[axis] >= 0 else { throw node.unsupported("of part of a batch is not") }
        cuts.append(Cut(start: begins[axis], end: count == -1 ? Int(Int32.max) : begins[axis] + count))
      }
    }
    try importer.cut(cuts, node)
  }

  private static func stridedSlice(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let begins = try importer.integers(1, "begin", node)
    let ends = try importer.integers(2, "end", node)
    let steps = try importer.integers(3, "strides", node)
    func mask(_ name: String) throws(TensorFlowError) -> (Int) -> Bool {
      let bits = try node.int(name, default: 0)
      return { $0 < 63 && bits >> $0 & 1 == 1 }
    }
    let (beginMask, endMask, shrinkMask) = (try mask("begin_mask"), try mask("end_mask"), try mask("shrink_axis_mask"))
    guard try node.int("ellipsis_mask", default: 0) == 0, try node.int("new_axis_mask", default: 0) == 0 else {
      throw node.unsupported("with ellipsis_mask or new_axis_mask is not")
    }
    let dimensions = try importer.dimensions(0, node)
    guard begins.count == ends.count, begins.count == steps.count, begins.count <= dimensions.count, !steps.contains(0) else {
      throw node.error("its begin, end and strides do not fit \(dimensions)")
    }
    var cuts = [Cut](repeating: Cut(), count: dimensions.count)
    var dropped = Set<Int>()
    for axis in begins.indices {
      if shrinkMask(axis) {
        dropped.insert(axis)
        cuts[axis] = Cut(start: begins[axis], end: begins[axis] == -1 ? Int(Int32.max) : begins[axis] + 1)
        continue
      }
      cuts[axis].step = steps[axis]
      cuts[axis].start = beginMask(axis) ? (steps[axis] > 0 ? 0 : Int(Int32.max)) : begins[axis]
      cuts[axis].end = endMask(axis) ? (steps[axis] > 0 ? Int(Int32.max) : -Int(Int32.max)) : ends[axis]
    }
    if case .integers(let numbers) = try importer.value(0, node) { return try importer.cutNumbers(numbers, cuts, isScalar: !dropped.isEmpty, node) }
    // The whole batch, however the file says it.
    if let first = dimensions.first, first.fixedSize == nil, !dropped.contains(0) {
      guard cuts[0].start == 0, cuts[0].step == 1, cuts[0].isWhole || cuts[0].end == importer.literalBatch else {
        throw node.unsupported("of part of a batch is not")
      }
      cuts[0] = Cut()
    }
    try importer.cut(cuts, dropping: dropped, node)
  }

  /// Takes some of the numbers of a shape.
  private mutating func cutNumbers(_ numbers: SymbolicIntegers, _ cuts: [Cut], isScalar: Bool, _ node: TensorFlowNode) throws(TensorFlowError) {
    guard let cut = cuts.first, cuts.count == 1, cut.step == 1 else { throw node.unsupported("of the numbers of a shape only in order is") }
    let count = numbers.elements.count
    func place(_ position: Int) -> Int { min(max(position < 0 ? position + count : position, 0), count) }
    let (start, end) = (place(cut.start), place(cut.end))
    let elements = start < end ? Array(numbers.elements[start..<end]) : []
    guard !isScalar || elements.count == 1 else { throw node.error("it takes number \(cut.start) of \(count)") }
    try bind(node.name, to: .integers(SymbolicIntegers(elements: elements, isScalar: isScalar)), node)
  }

  /// Takes numbers of a shape by constant places.
  private mutating func gatherNumbers(_ node: TensorFlowNode) throws(TensorFlowError) -> Bool {
    guard case .integers(let numbers) = try value(0, node), let places = try value(1, node).integers else { return false }
    guard let known = places.known, known.allSatisfy(numbers.elements.indices.contains) else {
      throw node.unsupported("only with constant indices is")
    }
    try bind(node.name, to: .integers(SymbolicIntegers(elements: known.map { numbers.elements[$0] }, isScalar: places.isScalar)), node)
    return true
  }

  private static func split(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    // Split reads axis and value, SplitV value, sizes and axis.
    let input = node.type == "Split" ? 1 : 0
    let axes = try importer.integers(node.type == "Split" ? 0 : 2, "axis", node)
    let dimensions = try importer.dimensions(input, node)
    guard axes.count == 1, (-dimensions.count..<dimensions.count).contains(axes[0]) else { throw node.error("its axis is \(axes)") }
    let axis = axes[0] < 0 ? axes[0] + dimensions.count : axes[0]
    guard let total = dimensions[axis].fixedSize else { throw node.unsupported("of the batch is not") }
    var sizes: [Int]
    if node.type == "Split" {
      let count = try node.int("num_split", default: 0)
      guard (1...1 << 12).contains(count), total % count == 0 else { throw node.error("it splits \(total) into \(count) parts") }
      sizes = [Int](repeating: total / count, count: count)
    } else {
      sizes = try importer.integers(1, "sizes", node)
      if let open = sizes.firstIndex(of: -1) { sizes[open] = total - sizes.filter { $0 >= 0 }.reduce(0, +) }
      guard sizes.allSatisfy({ $0 > 0 }), sizes.reduce(0, +) == total, sizes.count <= 1 << 12 else {
        throw node.error("it splits \(total) into \(sizes)")
      }
    }
    var start = 0
    for (index, size) in sizes.enumerated() {
      var cuts = [Cut](repeating: Cut(), count: dimensions.count)
      if sizes.count > 1 { cuts[axis] = Cut(start: start, end: start + size) }
      try importer.cut(cuts, output: index, input: input, node)
      start += size
    }
  }

  private static func unpack(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let dimensions = try importer.dimensions(0, node)
    let given = try node.int("axis", default: 0)
    let axis = given < 0 ? given + dimensions.count : given
    guard dimensions.indices.contains(axis), let count = dimensions[axis].fixedSize, count <= 1 << 12 else {
      throw node.unsupported("along axis \(given) of \(dimensions) is not")
    }
    for index in 0..<count {
      var cuts = [Cut](repeating: Cut(), count: dimensions.count)
      cuts[axis] = Cut(start: index, end: index + 1)
      try importer.cut(cuts, dropping: [axis], output: index, node)
    }
  }

  private static func pack(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    var numbers: [Dimension] = []
    for index in node.inputs.indices {
      if let value = try importer.value(index, node).integers, value.isScalar { numbers += value.elements }
    }
    if numbers.count == node.inputs.count {
      try importer.spend(numbers.count, node)
      return try importer.bind(node.name, to: .integers(SymbolicIntegers(elements: numbers)), node)
    }
    let dimensions = try importer.dimensions(0, node)
    let given = try node.int("axis", default: 0)
    let axis = given < 0 ? given + dimensions.count + 1 : given
    guard (0...dimensions.count).contains(axis) else { throw node.error("its axis is \(given) for \(dimensions)") }
    var raised = dimensions
    raised.insert(1, at: axis)
    var parts: [TensorName] = []
    for index in node.inputs.indices {
      let name = try importer.plain(index, node)
      let op: Reshape
      do throws(ShapeError) {
        op = try Reshape(of: importer.type(of: name), to: raised, literalBatch: nil)
      } catch {
        throw node.error(error.description)
      }
      parts.append(try importer.emitHelper(op, [name], "part", node))
    }
    try importer.emit(Concat(axis: axis), parts, .plain, node)
  }
}
