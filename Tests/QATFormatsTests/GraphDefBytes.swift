/// Writes TensorFlow's frozen graphs byte by byte from the format's table of fields, independently of the code under test.
struct GraphDefBytes {
  var nodes: [[UInt8]] = []
  var functions: [[UInt8]] = []

  /// An attribute's value; the numbers are those of AttrValue's fields.
  enum Attribute {
    case string(String)
    case int(Int)
    case float(Float)
    case flag(Bool)
    case type(Int)
    case shape([Int])
    case tensor([UInt8])
    case ints([Int])
    case function(String)
  }

  /// A graph with one input `x`, an image.
  init(input shape: [Int]? = [-1, 8, 6, 3]) {
    if let shape { node("Placeholder", "x", [], [("dtype", .type(1)), ("shape", .shape(shape))]) }
  }

  static func node(_ type: String, _ name: String, _ inputs: [String], _ attributes: [(String, Attribute)] = []) -> [UInt8] {
    var node = Wire()
    node.string(1, name)
    node.string(2, type)
    for input in inputs { node.string(3, input) }
    for (key, value) in attributes {
      var entry = Wire()
      entry.string(1, key)
      entry.bytes(2, Self.value(value))
      node.bytes(5, entry.result)
    }
    return node.result
  }

  mutating func node(_ type: String, _ name: String, _ inputs: [String], _ attributes: [(String, Attribute)] = []) {
    nodes.append(Self.node(type, name, inputs, attributes))
  }

  /// Constants of float32 and int32, their elements in `tensor_content`.
  mutating func floats(_ name: String, _ shape: [Int], _ values: [Float]? = nil) {
    let values = values ?? (0..<shape.reduce(1, *)).map { Float($0 % 11) / 8 - 0.5 }
    node("Const", name, [], [("dtype", .type(1)), ("value", .tensor(Self.tensor(1, shape, content: values.flatMap { $0.bitPattern.littleBytes })))])
  }

  mutating func integers(_ name: String, _ values: [Int], shape: [Int]? = nil) {
    let content = values.flatMap { Int32($0).littleBytes }
    node("Const", name, [], [("dtype", .type(3)), ("value", .tensor(Self.tensor(3, shape ?? [values.count], content: content)))])
  }

  /// A function of the library: its arguments, nodes, and for each result the tensor it is.
  mutating func function(_ name: String, _ arguments: [String], _ nodes: [[UInt8]], _ results: [(String, String)]) {
    var signature = Wire()
    signature.string(1, name)
    for (field, names) in [(UInt64(2), arguments), (3, results.map(\.0))] {
      for name in names {
        var argument = Wire()
        argument.string(1, name)
        signature.bytes(field, argument.result)
      }
    }
    var function = Wire()
    function.bytes(1, signature.result)
    for node in nodes { function.bytes(3, node) }
    for (key, value) in results {
      var entry = Wire()
      entry.string(1, key)
      entry.string(2, value)
      function.bytes(4, entry.result)
    }
    functions.append(function.result)
  }

  /// The file.
  var bytes: [UInt8] {
    var graph = Wire()
    for node in nodes { graph.bytes(1, node) }
    var library = Wire()
    for function in functions { library.bytes(1, function) }
    if !functions.isEmpty { graph.bytes(2, library.result) }
    return graph.result
  }

  static func tensor(_ type: Int, _ shape: [Int], content: [UInt8]? = nil, floats: [Float] = [], halves: [Int] = [], integers: [Int] = []) -> [UInt8]
  {
    var tensor = Wire()
    tensor.int(1, type)
    tensor.bytes(2, dimensions(shape))
    if let content { tensor.bytes(4, content) }
    if !floats.isEmpty { tensor.bytes(5, floats.flatMap { $0.bitPattern.littleBytes }) }
    for value in integers { tensor.int(7, value) }
    for value in halves { tensor.int(13, value) }
    return tensor.result
  }

  private static func dimensions(_ shape: [Int]) -> [UInt8] {
    var proto = Wire()
    for size in shape {
      var dimension = Wire()
      dimension.int(1, size)
      proto.bytes(2, dimension.result)
    }
    return proto.result
  }

  private static func value(_ value: Attribute) -> [UInt8] {
    var result = Wire()
    switch value {
    case .string(let text): result.string(2, text)
    case .int(let number): result.int(3, number)
    case .float(let number): result.float(4, number)
    case .flag(let flag): result.int(5, flag ? 1 : 0)
    case .type(let type): result.int(6, type)
    case .shape(let shape): result.bytes(7, dimensions(shape))
    case .tensor(let tensor): result.bytes(8, tensor)
    case .ints(let numbers):
      var list = Wire()
      for number in numbers { list.int(3, number) }
      result.bytes(1, list.result)
    case .function(let name):
      var function = Wire()
      function.string(1, name)
      result.bytes(10, function.result)
    }
    return result.result
  }
}

extension GraphDefBytes {
  /// A convolution of `x` in the given form, called `y`.
  mutating func convolution(
    _ filter: [Int] = [3, 3, 3, 4], padding: String = "SAME", strides: [Int] = [1, 2, 2, 1], _ more: [(String, Attribute)] = []
  ) {
    floats("w", filter)
    node("Conv2D", "y", ["x", "w"], [("padding", .string(padding)), ("strides", .ints(strides))] + more)
  }
}
