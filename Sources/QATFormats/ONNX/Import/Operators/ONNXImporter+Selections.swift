import QATGraph
import QATImporting
import QATTensor

/// What chooses elements by numbers or conditions, and conditions themselves.
extension ONNXImporter {
  static let selections: [String: OperatorImporter] = [
    "Gather": gather,
    "GatherElements": { importer, node throws(ONNXError) in
      try importer.apply(GatherElements(axis: try node.int("axis", default: 0)), to: ["data", "indices"], node)
    },
    "Where": choose,
    "Cast": cast,
    "CastLike": castLike,
    "Equal": equal,
    "Less": comparison(Less()),
    "LessOrEqual": comparison(LessOrEqual()),
    "Greater": comparison(Greater()),
    "GreaterOrEqual": comparison(GreaterOrEqual()),
    "And": comparison(And()),
    "Or": comparison(Or()),
    "Xor": comparison(Xor()),
    "IsNaN": { importer, node throws(ONNXError) in try importer.apply(IsNaN(), to: ["X"], node) },
    "Not": { importer, node throws(ONNXError) in try importer.apply(Not(), to: ["X"], node) },
  ]

  private static func comparison(_ op: any Operator) -> OperatorImporter {
    { importer, node throws(ONNXError) in try importer.apply(op, to: ["A", "B"], node) }
  }

  /// On the numbers of a shape; on a float constant with computed indices, an embedding, which is trained; else as it stands.
  private static func gather(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let op = Gather(axis: try node.int("axis", default: 0))
    if case .sampleIndices(let indices) = try importer.inputValue(1, node), op.axis == 0 { return try importer.gatherSamples(indices, node) }
    let positions = try importer.constant(1, node)
    if case .integers(let data) = try importer.inputValue(0, node) {
      guard let positions, let places = positions.integers, positions.shape.count < 2, [0, -1].contains(op.axis) else {
        throw node.unsupported("of the numbers of a shape only with constant indices is")
      }
      var elements: [Dimension] = []
      for place in places {
        let index = place < 0 ? place + data.elements.count : place
        guard data.elements.indices.contains(index) else { throw node.error("it takes element \(place) of \(data.elements.count)") }
        elements.append(data.elements[index])
      }
      return try importer.bind(node.output, to: .integers(SymbolicIntegers(elements: elements, isScalar: positions.shape.isEmpty)), node)
    }
    if let places = positions?.integers {
      let type = try importer.type(0, "data", node)
      let axis = op.axis < 0 ? op.axis + type.rank : op.axis
      if type.dimensions.indices.contains(axis), let size = type.dimensions[axis].fixedSize,
        let wrong = places.first(where: { $0 < -size || $0 >= size })
      {
        throw node.error("it takes element \(wrong) on axis \(op.axis) of \(type)")
      }
    }
    if let table = try importer.constant(0, node), table.floats != nil, positions == nil {
      return try importer.emit(op, [try importer.tensor(0, "data", as: .parameter, node), try importer.tensor(1, "indices", node)], node)
    }
    try importer.apply(op, to: ["data", "indices"], node)
  }

  private static func choose(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let a = try importer.inputValue(1, node), let b = try importer.inputValue(2, node) else { throw node.error("Where needs three inputs") }
    guard a.isSymbolic || b.isSymbolic else { return try importer.apply(Where(), to: ["condition", "X", "Y"], node) }
    guard let condition = try importer.constant(0, node), case .bool(let answers) = condition.elements, condition.shape.count < 2,
      let yes = a.integers, let no = b.integers
    else { throw node.unsupported("of the numbers of a shape only with a constant condition is") }
    let choices = SymbolicIntegers(elements: answers.map { .fixed($0 ? 1 : 0) }, isScalar: condition.shape.isEmpty)
    // Both steps broadcast; what is not chosen is marked by nothing that a size could be.
    guard let first = SymbolicIntegers.combine(choices, yes, { $0 == 1 ? $1 : .fixed(.min) }),
      let both = SymbolicIntegers.combine(first, no, { $0 == .fixed(.min) ? $1 : $0 })
    else { throw node.error("it cannot choose of \(yes.elements.prefix(8)) and \(no.elements.prefix(8)) by \(answers.prefix(8))") }
    try importer.bind(node.output, to: .integers(both), node)
  }

  /// A batch size differs from every number that is no size.
  private static func equal(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let a = try importer.inputValue(0, node), let b = try importer.inputValue(1, node) else { throw node.error("Equal needs two inputs") }
    guard a.isSymbolic || b.isSymbolic, let left = a.integers, let right = b.integers else {
      return try importer.apply(Equal(), to: ["A", "B"], node)
    }
    let answers = SymbolicIntegers.combine(left, right) { a, b in
      if a == b { return 1 }
      switch (a, b) {
      case (.fixed, .fixed), (.batch, .batch): return 0
      case (.batch, .fixed(let size)), (.fixed(let size), .batch): return size <= 0 ? 0 : nil
      }
    }
    guard let answers, let known = answers.known else { throw node.unsupported("whether a size is the batch size is known too late") }
    try importer.bind(
      node.output, to: .constant(Tensor(shape: answers.isScalar ? [] : [known.count], elements: .bool(known.map { $0 == 1 }))), node)
  }

  private static func cast(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let target = ONNXTensorProto.DataType(rawValue: try node.int("to", default: 0)) ?? .undefined
    let elementType: ElementType
    switch target {
    case .float, .float16, .bfloat16, .double: elementType = .float32
    case .int8, .uint8, .int16, .uint16, .int32: elementType = .int32
    case .uint32, .int64: elementType = .int64
    case .bool: elementType = .bool
    default: throw node.unsupported("to \(target)")
    }
    try importer.convert(node, to: elementType)
  }

  private static func castLike(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    try importer.convert(node, to: try importer.type(1, "target_type", node).elementType)
  }

  /// All floating-point types are float32 here, so many conversions leave the value as it is.
  private mutating func convert(_ node: ONNXImportNode, to elementType: ElementType) throws(ONNXError) {
    let value = try inputValue(0, node)
    if case .integers = value {
      guard elementType == .int64 || elementType == .int32, let value else { throw node.unsupported("of a batch size to \(elementType)") }
      return try bind(node.output, to: value, node)
    }
    let type = try type(0, "input", node)
    if case .computed(let x) = value, type.elementType == elementType { return try alias(x, node) }
    try apply(Cast(to: elementType), to: ["input"], node)
  }
}

extension ONNXValue {
  /// Whether the value is made of shapes and depends on the batch size.
  fileprivate var isSymbolic: Bool { if case .integers = self { true } else { false } }
}
