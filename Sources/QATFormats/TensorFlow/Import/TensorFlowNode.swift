/// A node of the file as an importer function sees it: inputs without control dependencies, attributes by name, read with their types checked.
struct TensorFlowNode {
  /// Unique name; the tensor that output 0 makes has the same.
  let name: String
  /// TensorFlow's operator.
  let type: String
  /// Names of the tensors it reads: `node` for output 0, `node:k` for the others.
  let inputs: [String]
  private let attributes: [String: TFAttrValue]

  /// - Throws: `TensorFlowError` when an attribute is given twice, or there are more inputs than any node has.
  init(_ proto: TFNodeDef) throws(TensorFlowError) {
    name = proto.name
    type = proto.op
    inputs = proto.input.filter { !$0.hasPrefix("^") }.map(Self.tensorName)
    guard inputs.count <= 1 << 16 else { throw TensorFlowError(node: proto.name, "\(proto.op) has \(inputs.count) inputs") }
    var attributes: [String: TFAttrValue] = [:]
    for entry in proto.attr where attributes.updateValue(entry.value, forKey: entry.key) != nil {
      throw TensorFlowError(node: proto.name, "the attribute '\(entry.key)' is given twice")
    }
    self.attributes = attributes
  }

  /// The tensor that the input string of a node means: output 0 has the node's own name.
  private static func tensorName(_ input: String) -> String { input.hasSuffix(":0") ? String(input.dropLast(2)) : input }

  /// The node that makes a tensor.
  static func maker(of tensor: String) -> String {
    guard let colon = tensor.lastIndex(of: ":"), Int(tensor[tensor.index(after: colon)...]) != nil else { return tensor }
    return String(tensor[..<colon])
  }

  /// The tensor that output `index` makes.
  func output(_ index: Int) -> String { index == 0 ? name : "\(name):\(index)" }

  /// The input at `index`.
  /// - Throws: `TensorFlowError` when it is absent.
  func input(_ index: Int) throws(TensorFlowError) -> String {
    guard inputs.indices.contains(index) else { throw error("\(type) needs \(index + 1) inputs, found \(inputs.count)") }
    return inputs[index]
  }

  /// An error at this node.
  func error(_ reason: String) -> TensorFlowError { TensorFlowError(node: name, reason) }

  /// The error that this use of the operator is not supported; it joins the list of all such operators.
  func unsupported(_ reason: String?) -> TensorFlowError { TensorFlowError(unsupported: [.init(type: type, node: name, reason: reason)]) }

  // MARK: Attributes

  func int(_ name: String, default value: Int) throws(TensorFlowError) -> Int {
    try attribute(name, "a number") { if case .i(let value) = $0 { Int(value) } else { nil } } ?? value
  }

  func flag(_ name: String, default value: Bool) throws(TensorFlowError) -> Bool {
    try attribute(name, "true or false") { if case .b(let value) = $0 { value } else { nil } } ?? value
  }

  func float(_ name: String, default value: Float) throws(TensorFlowError) -> Float {
    try attribute(name, "a float") { if case .f(let value) = $0 { value } else { nil } } ?? value
  }

  func string(_ name: String) throws(TensorFlowError) -> String? {
    try attribute(name, "a string") { if case .s(let value) = $0 { String(decoding: value, as: UTF8.self) } else { nil } }
  }

  func type(_ name: String) throws(TensorFlowError) -> TFDataType? {
    try attribute(name, "a type") { if case .type(let value) = $0 { value } else { nil } }
  }

  func shape(_ name: String) throws(TensorFlowError) -> TFTensorShapeProto? {
    try attribute(name, "a shape") { if case .shape(let value) = $0 { value } else { nil } }
  }

  func tensor(_ name: String) throws(TensorFlowError) -> TFTensorProto? {
    try attribute(name, "a tensor") { if case .tensor(let value) = $0 { value } else { nil } }
  }

  /// A list of numbers, none of which a network comes near to when it exceeds 2³¹.
  func ints(_ name: String) throws(TensorFlowError) -> [Int]? {
    let values: [Int]? = try attribute(name, "a list of numbers") { if case .list(let value) = $0 { value.i.map(Int.init) } else { nil } }
    if let values, let bad = values.first(where: { abs($0) >= 1 << 31 }) { throw error("the attribute '\(name)' holds \(bad)") }
    return values
  }

  private func attribute<Value>(_ name: String, _ kind: String, _ value: (TFAttrValue.OneOf_Value) -> Value?) throws(TensorFlowError) -> Value? {
    guard let attribute = attributes[name] else { return nil }
    guard let content = attribute.value, let result = value(content) else { throw error("the attribute '\(name)' is not \(kind)") }
    return result
  }
}
