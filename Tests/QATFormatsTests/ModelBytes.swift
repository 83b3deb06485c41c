/// Writes ONNX files byte by byte from the format's table of fields, independently of the code under test.
struct ModelBytes {
  var nodes: [[UInt8]] = []
  var initializers: [[UInt8]] = []
  var inputs: [[UInt8]] = []
  var outputs: [[UInt8]] = []
  var stated: [[UInt8]] = []
  var opset = 17
  var domains: [String] = []
  var functions: [[UInt8]] = []

  /// An attribute's value; the numbers are those of AttributeProto's fields and types.
  enum Attribute {
    case int(Int)
    case ints([Int])
    case float(Float)
    case floats([Float])
    case string(String)
    case tensor([UInt8])
    /// A graph of these nodes.
    case graph([[UInt8]])
  }

  /// A model with one input `x` of type float.
  init(input: [Any] = ["N", 3, 8, 8], output: String = "y") {
    add(input: "x", input)
    outputs.append(Self.valueInfo(output, [], elementType: 1))
  }

  mutating func add(input name: String, _ dimensions: [Any], elementType: Int = 1) {
    inputs.append(Self.valueInfo(name, dimensions, elementType: elementType))
  }

  /// States the type of a tensor between nodes, as exporters do.
  mutating func state(_ name: String, _ dimensions: [Any], elementType: Int = 1) {
    stated.append(Self.valueInfo(name, dimensions, elementType: elementType))
  }

  mutating func node(
    _ type: String, _ inputs: [String], _ outputs: [String] = ["y"], name: String? = nil, domain: String = "",
    _ attributes: [(String, Attribute)] = []
  ) {
    var node = Wire()
    for input in inputs { node.string(1, input) }
    for output in outputs { node.string(2, output) }
    if let name { node.string(3, name) }
    node.string(4, type)
    for (name, value) in attributes { node.bytes(5, Self.attribute(name, value)) }
    if !domain.isEmpty { node.string(7, domain) }
    nodes.append(node.result)
  }

  mutating func weights(_ name: String, _ shape: [Int], _ values: [Float]? = nil) {
    let values = values ?? (0..<shape.reduce(1, *)).map { Float($0) / 16 - 1 }
    initializers.append(Self.tensor(name, shape, 1, raw: values.flatMap { $0.bitPattern.littleBytes }))
  }

  mutating func integers(_ name: String, _ values: [Int], scalar: Bool = false) {
    initializers.append(Self.tensor(name, scalar ? [] : [values.count], 7, raw: values.flatMap { Int64($0).littleBytes }))
  }

  /// The file.
  var bytes: [UInt8] {
    var graph = Wire()
    for node in nodes { graph.bytes(1, node) }
    graph.string(2, "test")
    for tensor in initializers { graph.bytes(5, tensor) }
    for input in inputs { graph.bytes(11, input) }
    for output in outputs { graph.bytes(12, output) }
    for tensor in stated { graph.bytes(13, tensor) }
    var model = Wire()
    model.int(1, 8)
    model.bytes(7, graph.result)
    for (domain, version) in [("", opset)] + domains.map({ ($0, 1) }) {
      var set = Wire()
      set.string(1, domain)
      set.int(2, version)
      model.bytes(8, set.result)
    }
    for function in functions { model.bytes(25, function) }
    return model.result
  }

  /// Adds a function of the domain `f`, in the file's opset, whose nodes are those that `body` adds. `references` are attributes of its nodes by number that take
  /// an argument of the function: (node, type number, attribute, argument).
  mutating func function(
    _ name: String, _ inputs: [String], _ outputs: [String], references: [(node: Int, type: Int, attribute: String, argument: String)] = [],
    body: (inout ModelBytes) -> Void
  ) {
    var inner = ModelBytes()
    body(&inner)
    var function = Wire()
    function.string(1, name)
    for input in inputs { function.string(4, input) }
    for output in outputs { function.string(5, output) }
    for (index, node) in inner.nodes.enumerated() {
      var wire = Wire()
      wire.result = node
      for reference in references where reference.node == index {
        var attribute = Wire()
        attribute.string(1, reference.attribute)
        attribute.int(20, reference.type)
        attribute.string(21, reference.argument)
        wire.bytes(5, attribute.result)
      }
      function.bytes(7, wire.result)
    }
    for (domain, version) in [("", opset), ("f", 1)] {
      var set = Wire()
      set.string(1, domain)
      set.int(2, version)
      function.bytes(9, set.result)
    }
    function.string(10, "f")
    functions.append(function.result)
    if !domains.contains("f") { domains.append("f") }
  }

  static func tensor(
    _ name: String, _ shape: [Int], _ type: Int, raw: [UInt8]? = nil, int32: [Int] = [], doubles: [Double] = [], external: [(String, String)] = []
  )
    -> [UInt8]
  {
    var tensor = Wire()
    for size in shape { tensor.int(1, size) }
    tensor.int(2, type)
    for value in int32 { tensor.int(5, value) }
    tensor.string(8, name)
    if let raw { tensor.bytes(9, raw) }
    if !doubles.isEmpty { tensor.bytes(10, doubles.flatMap { $0.bitPattern.littleBytes }) }
    for (key, value) in external {
      var entry = Wire()
      entry.string(1, key)
      entry.string(2, value)
      tensor.bytes(13, entry.result)
    }
    if !external.isEmpty { tensor.int(14, 1) }
    return tensor.result
  }

  private static func attribute(_ name: String, _ value: Attribute) -> [UInt8] {
    var attribute = Wire()
    attribute.string(1, name)
    switch value {
    case .int(let number):
      attribute.int(3, number)
      attribute.int(20, 2)
    case .ints(let numbers):
      for number in numbers { attribute.int(8, number) }
      attribute.int(20, 7)
    case .float(let number):
      attribute.float(2, number)
      attribute.int(20, 1)
    case .floats(let numbers):
      for number in numbers { attribute.float(7, number) }
      attribute.int(20, 6)
    case .string(let text):
      attribute.string(4, text)
      attribute.int(20, 3)
    case .tensor(let tensor):
      attribute.bytes(5, tensor)
      attribute.int(20, 4)
    case .graph(let nodes):
      var graph = Wire()
      for node in nodes { graph.bytes(1, node) }
      attribute.bytes(6, graph.result)
      attribute.int(20, 5)
    }
    return attribute.result
  }

  private static func valueInfo(_ name: String, _ dimensions: [Any], elementType: Int) -> [UInt8] {
    var shape = Wire()
    for dimension in dimensions {
      var proto = Wire()
      if let size = dimension as? Int { proto.int(1, size) }
      if let symbol = dimension as? String { proto.string(2, symbol) }
      shape.bytes(1, proto.result)
    }
    var tensor = Wire()
    tensor.int(1, elementType)
    tensor.bytes(2, shape.result)
    var type = Wire()
    type.bytes(1, tensor.result)
    var info = Wire()
    info.string(1, name)
    info.bytes(2, type.result)
    return info.result
  }
}

/// Protobuf's wire format: keys, varints, fixed 32 bits and length-delimited fields.
struct Wire {
  var result: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    result.append(UInt8(rest))
  }

  mutating func int(_ field: UInt64, _ value: Int) {
    varint(field << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func float(_ field: UInt64, _ value: Float) {
    varint(field << 3 | 5)
    result += value.bitPattern.littleBytes
  }

  mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
    varint(field << 3 | 2)
    varint(UInt64(value.count))
    result += value
  }

  mutating func string(_ field: UInt64, _ value: String) { bytes(field, Array(value.utf8)) }
}

extension FixedWidthInteger {
  /// The bytes, lowest first.
  var littleBytes: [UInt8] { (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }
}
