import QATGraph
import QATTensor

/// Values that stand in the file, and operators that hand values on.
extension ONNXImporter {
  static let constants: [String: OperatorImporter] = [
    "Constant": constantNode, "Identity": identity, "Cast": cast, "CastLike": castLike, "Expand": expand, "ConstantOfShape": constantOfShape,
  ]

  private static func constantNode(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let tensor: Tensor
    if let proto = try node.tensor("value") {
      tensor = try importer.decoded(proto)
    } else if node.has("value_float") {
      tensor = Tensor([try node.float("value_float", default: 0)], shape: [])
    } else if node.has("value_int") {
      tensor = Tensor(shape: [], elements: .int64([Int64(try node.int("value_int", default: 0))]))
    } else if let values = try node.floats("value_floats") {
      tensor = Tensor(values, shape: [values.count])
    } else if let values = try node.ints("value_ints") {
      tensor = Tensor(int64: values.map(Int64.init))
    } else {
      throw node.unsupported("only constants with value, value_float, value_floats, value_int or value_ints are")
    }
    try importer.bind(node.output, to: .constant(tensor), node)
  }

  /// An identity of a constant copies the value under the new name: exporters merge equal initializers, so that batch norm's variance can be an
  /// identity of its gamma. Sharing would train the statistics.
  private static func identity(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let value = try importer.inputValue(0, node) else { throw node.error("Identity needs an input") }
    if case .computed(let x) = value { try importer.alias(x, node) } else { try importer.bind(node.output, to: value, node) }
  }

  private static func cast(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let target = ONNXTensorProto.DataType(rawValue: try node.int("to", default: 0)) ?? .undefined
    try importer.convert(
      node, toFloat: [.float, .float16, .bfloat16, .double].contains(target), toInteger: [.int32, .int64].contains(target), "\(target)")
  }

  private static func castLike(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let isFloat: Bool
    switch try importer.inputValue(1, node) {
    case .computed: isFloat = true
    case .constant(let tensor): isFloat = tensor.floats != nil
    case .integers: isFloat = false
    default: throw node.error("CastLike needs two inputs")
    }
    try importer.convert(node, toFloat: isFloat, toInteger: !isFloat, "the type of its second input")
  }

  /// All floating-point types are float32 here and all integers of shapes are Int, so most conversions leave the value as it is.
  private mutating func convert(_ node: ONNXImportNode, toFloat: Bool, toInteger: Bool, _ target: String) throws(ONNXError) {
    guard let value = try inputValue(0, node) else { throw node.error("\(node.type) needs an input") }
    switch value {
    case .computed(let x) where toFloat: try alias(x, node)
    case .integers where toInteger: try bind(node.output, to: value, node)
    case .constant(let tensor) where toFloat && tensor.floats != nil || toInteger && tensor.integers != nil: try bind(node.output, to: value, node)
    case .constant(let tensor) where toFloat:
      guard let integers = tensor.integers else { throw node.unsupported("from \(tensor.elementType) to \(target)") }
      try spend(integers.count, node)
      try bind(node.output, to: .constant(Tensor(integers.map { Float($0) }, shape: tensor.shape)), node)
    default: throw node.unsupported("to \(target)")
    }
  }

  private static func expand(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let value = try importer.inputValue(0, node), let shape = try importer.inputValue(1, node)?.integers else {
      throw node.unsupported("only a shape that is known up to the batch size is")
    }
    // A value expanded by ones is itself; a single number can take any known shape.
    let rank: Int? =
      switch value {
      case .constant(let tensor): tensor.shape.count
      case .integers(let integers): integers.isScalar ? 0 : 1
      case .computed(let x): importer.types[x]?.rank
      case .codes, .unavailable: nil
      }
    if let rank, shape.elements.count <= rank, shape.elements.allSatisfy({ $0 == 1 }) {
      if case .computed(let x) = value { return try importer.alias(x, node) }
      return try importer.bind(node.output, to: value, node)
    }
    guard case .constant(let tensor) = value, tensor.count == 1, let number = tensor.floats?.first, let sizes = shape.known else {
      throw node.unsupported("only single constant numbers are")
    }
    guard sizes.count >= tensor.shape.count else { throw node.unsupported("to fewer dimensions") }
    try importer.bind(node.output, to: .constant(try importer.filled(number, sizes, node)), node)
  }

  private static func constantOfShape(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let sizes = try importer.inputValue(0, node)?.integers?.known else { throw node.unsupported("only a known shape is") }
    let value = try node.tensor("value").map { proto throws(ONNXError) in try importer.decoded(proto) } ?? Tensor([0], shape: [1])
    if let number = value.floats?.first {
      try importer.bind(node.output, to: .constant(try importer.filled(number, sizes, node)), node)
    } else if let number = value.integers?.first, sizes.count < 2, (0...1 << 16).contains(sizes.first ?? 1) {
      try importer.spend(sizes.first ?? 1, node)
      let elements = [Dimension](repeating: .fixed(number), count: sizes.first ?? 1)
      try importer.bind(node.output, to: .integers(SymbolicIntegers(elements: elements, isScalar: sizes.isEmpty)), node)
    } else {
      throw node.unsupported("of \(value.elementType) in shape \(sizes)")
    }
  }

  private mutating func filled(_ number: Float, _ sizes: [Int], _ node: ONNXImportNode) throws(ONNXError) -> Tensor {
    guard sizes.count <= 64, sizes.map(Dimension.fixed).boundedElementCount != nil else { throw node.error("it fills the shape \(sizes.prefix(8))") }
    try spend(sizes.elementCount, node)
    return Tensor(repeating: number, shape: sizes)
  }
}
