import QATGraph
import QATImporting
import QATTensor

/// What takes, repeats or adds elements at places that are known when the file is read.
extension ONNXImporter {
  static let movements: [String: OperatorImporter] = [
    "DepthToSpace": { importer, node throws(ONNXError) in
      let name = try node.string("mode") ?? "DCR"
      guard let order = DepthToSpace.Order(rawValue: name) else { throw node.error("the attribute 'mode' is '\(name)', expected DCR or CRD") }
      try importer.apply(DepthToSpace(blockSize: try node.int("blocksize", default: 0), order: order), to: ["input"], node)
    },
    "Expand": expand,
    "Pad": pad,
    "Slice": slice,
    "SpaceToDepth": { importer, node throws(ONNXError) in
      try importer.apply(SpaceToDepth(blockSize: try node.int("blocksize", default: 0)), to: ["input"], node)
    },
    "Split": split,
    "SplitToSequence": splitToSequence,
    "SequenceAt": { importer, node throws(ONNXError) in
      guard case .sequence(let parts) = try importer.inputValue(0, node) else {
        throw node.unsupported("only of a sequence that is cut in the file is")
      }
      let position = try importer.known(1, "position", node).first ?? 0
      let place = position < 0 ? position + parts.count : position
      guard parts.indices.contains(place) else { throw node.error("it takes element \(position) of \(parts.count)") }
      if case .computed(let x) = parts[place] { try importer.alias(x, node) } else { try importer.bind(node.output, to: parts[place], node) }
    },
    "Tile": { importer, node throws(ONNXError) in
      let repeats = try importer.known(1, "repeats", node)
      try importer.move(Tile(repeats: repeats), isIdentity: repeats.allSatisfy { $0 == 1 }, "input", node)
    },
    "Trilu": { importer, node throws(ONNXError) in
      let diagonal = try importer.known(1, "k", absent: [0], node)
      guard diagonal.count == 1 else { throw node.error("the input 'k' has \(diagonal.count) elements, expected 1") }
      try importer.apply(Trilu(keepsUpper: try node.flag("upper", default: true), diagonal: diagonal[0]), to: ["input"], node)
    },
  ]

  /// Applies `op` to the node's first input, or lets the output be another name of it.
  private mutating func move(_ op: any Operator, isIdentity: Bool, _ role: String, _ node: ONNXImportNode) throws(ONNXError) {
    if isIdentity, case .computed(let x) = try inputValue(0, node) { return try alias(x, node) }
    try apply(op, to: [role], node)
  }

  /// The target may hold the batch size. In a file with a fixed batch it holds that number, which the broadcasting of 1 leaves to the input.
  private static func expand(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let target = try importer.integers(1, "shape", node)
    guard target.count <= 64 else { throw node.error("it expands to \(target.count) dimensions") }
    let type = try importer.type(0, "input", node)
    // −1 is not in the standard; exporters write it for "as it is".
    var shape = target.map { $0 == -1 ? 1 : $0 }
    if let literal = importer.literalBatch, shape.count == type.rank, let first = type.dimensions.first, first.fixedSize == nil,
      shape[0] == .fixed(literal)
    {
      shape[0] = 1
    }
    let isIdentity = (try? Expand(shape: shape).outputTypes(for: [type])) == [type]
    try importer.move(Expand(shape: shape), isIdentity: isIdentity, "input", node)
  }

  private static func pad(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let type = try importer.type(0, "data", node)
    var value = try node.float("value", default: 0)
    var given = try node.ints("pads") ?? []
    var axes = Array(0..<type.rank)
    if node.opset >= 11 {
      given = try importer.known(1, "pads", node)
      if node.input(2) != nil {
        guard let tensor = try importer.constant(2, node), let number = tensor.floats?.first ?? tensor.integers?.first.map({ Float($0) }) else {
          throw node.unsupported("only with a constant number is")
        }
        value = number
      }
      axes = try importer.known(3, "axes", absent: axes, node).map { $0 < 0 ? $0 + type.rank : $0 }
    }
    guard given.count == 2 * axes.count, axes.allSatisfy({ (0..<type.rank).contains($0) }) else {
      throw node.error("it has \(given.count) pads for the axes \(axes.prefix(8)) of \(type)")
    }
    var pads = [Int](repeating: 0, count: 2 * type.rank)
    for (index, axis) in axes.enumerated() {
      pads[axis] = given[index]
      pads[axis + type.rank] = given[index + axes.count]
    }
    let mode: Pad.Mode
    switch try node.string("mode") ?? "constant" {
    case "constant": mode = .constant(value)
    case "reflect": mode = .reflect
    case "edge": mode = .edge
    case "wrap": mode = .wrap
    case let name: throw node.error("the attribute 'mode' is '\(name)', expected constant, reflect, edge or wrap")
    }
    try importer.move(Pad(pads: pads, mode: mode), isIdentity: pads.allSatisfy { $0 == 0 }, "data", node)
  }

  private static func slice(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let type = try importer.type(0, "data", node)
    var (starts, ends, axes) = (try node.ints("starts") ?? [], try node.ints("ends") ?? [], try node.ints("axes"))
    var steps: [Int]?
    if node.opset >= 10 {
      starts = try importer.known(1, "starts", node)
      axes = node.input(3) == nil ? nil : try importer.known(3, "axes", node)
      steps = node.input(4) == nil ? nil : try importer.known(4, "steps", node)
      // Up to the batch size is up to the end.
      ends = try importer.integers(2, "ends", node).map { $0.fixedSize ?? Int.max }
    }
    var op = Slice(axes: axes ?? Array(starts.indices), starts: starts, ends: ends, steps: steps ?? [Int](repeating: 1, count: starts.count))
    if let literal = importer.literalBatch, type.dimensions.first?.fixedSize == nil, let index = op.axes.firstIndex(of: 0),
      op.ends.indices.contains(index), op.ends[index] == literal
    {
      op.ends[index] = .max
    }
    if case .integers(let value) = try importer.inputValue(0, node) {
      return try importer.bind(node.output, to: .integers(SymbolicIntegers(elements: try value.sliced(op, node))), node)
    }
    let isIdentity = op.steps.allSatisfy { $0 == 1 } && (try? op.outputTypes(for: [type])) == [type]
    try importer.move(op, isIdentity: isIdentity, "data", node)
  }

  /// A sequence of slices, each of them of the size that is given, or of sizes that are listed.
  private static func splitToSequence(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let type = try importer.type(0, "input", node)
    let axis = try node.int("axis", default: 0)
    let place = axis < 0 ? axis + type.rank : axis
    guard (0..<type.rank).contains(place), let size = type.dimensions[place].fixedSize else { throw node.unsupported("on axis \(axis) of \(type)") }
    var sizes = try importer.known(1, "split", absent: [1], node)
    if sizes.count == 1, try importer.inputValue(1, node)?.integers?.isScalar ?? true {
      guard sizes[0] > 0 else { throw node.error("it cuts parts of \(sizes[0])") }
      sizes = stride(from: 0, to: size, by: sizes[0]).map { min(sizes[0], size - $0) }
    }
    guard sizes.allSatisfy({ (1...size).contains($0) }), sizes.count <= 1 << 16, sizes.reduce(0, +) == size else {
      throw node.error("it cannot cut \(type) on axis \(axis) into \(sizes.prefix(8))")
    }
    let x = try importer.tensor(0, "input", node)
    var parts: [ONNXValue] = []
    var start = 0
    for size in sizes {
      var part = try importer.emitHelper(Slice(axes: [place], starts: [start], ends: [start + size]), [x], "part", node)
      start += size
      if size == 1, try node.int("keepdims", default: 1) == 0, node.input(1) == nil {
        let rest = type.dimensions.enumerated().filter { $0.offset != place }.map { $1.fixedSize ?? ($0 < place ? 0 : -1) }
        part = try importer.emitHelper(Reshape(shape: rest), [part], "element", node)
      }
      parts.append(.computed(part))
    }
    try importer.bind(node.output, to: .sequence(parts), node)
  }

  /// One slice an output.
  private static func split(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let type = try importer.type(0, "input", node)
    let axis = try node.int("axis", default: 0)
    let place = axis < 0 ? axis + type.rank : axis
    guard (0..<type.rank).contains(place) else { throw node.error("the attribute 'axis' is \(axis), the input is \(type)") }
    guard let size = type.dimensions[place].fixedSize else { throw node.unsupported("along the batch dimension of \(type) is not") }
    var sizes = try node.ints("split")
    if node.opset >= 13, node.input(1) != nil { sizes = try importer.known(1, "split", node) }
    let count = try node.int("num_outputs", default: node.outputs.count)
    guard (1...1 << 16).contains(count) else { throw node.error("it has \(count) outputs") }
    // Equal parts; since opset 18 the last one may be smaller.
    let part = (size + count - 1) / count
    let parts = sizes ?? (0..<count).map { min(part, max(size - $0 * part, 0)) }
    guard parts.count == node.outputs.count, parts.allSatisfy({ (0...size).contains($0) }), parts.reduce(0, +) == size,
      sizes != nil || node.opset >= 18 || size % count == 0
    else { throw node.error("it cannot cut \(type) on axis \(axis) into \(parts.prefix(8)) for \(node.outputs.count) outputs") }
    var start = 0
    for (index, part) in parts.enumerated() {
      let op = Slice(axes: [place], starts: [start], ends: [start + part])
      start += part
      if node.outputs[index].isEmpty { continue }
      if case .integers(let value) = try importer.inputValue(0, node) {
        try importer.bind(node.outputs[index], to: .integers(SymbolicIntegers(elements: try value.sliced(op, node))), node)
      } else {
        try importer.apply(op, to: ["input"], node, output: index)
      }
    }
  }
}

extension SymbolicIntegers {
  /// The elements that a slice takes of a vector.
  fileprivate func sliced(_ op: Slice, _ node: ONNXImportNode) throws(ONNXError) -> [Dimension] {
    guard (try? op.outputTypes(for: [TensorType([.fixed(elements.count)], .int64)])) != nil, !isScalar else {
      throw node.error("it cannot cut \(elements.count) numbers by \(op)")
    }
    guard !op.axes.isEmpty else { return elements }
    let (first, count) = op.positions(0, of: elements.count)
    return (0..<count).map { elements[first + $0 * op.steps[0]] }
  }
}
