/// A node of the file as an importer function sees it: a name that is never empty, and attributes by name, read with their types checked.
struct ONNXImportNode {
  /// Unique name; made from the operator type when the file gives none.
  let name: String
  /// ONNX's operator type.
  let type: String
  /// Domain; empty for ONNX's own.
  let domain: String
  /// Version of the domain's operator set.
  let opset: Int
  /// Names of the inputs; an empty name stands for an absent one.
  let inputs: [String]
  /// Names of the outputs, of which at least the first is not empty.
  let outputs: [String]
  private let attributes: [String: ONNXAttributeProto]

  /// - Throws: `ONNXError` when an attribute is given twice or refers to a function's argument, or the node has no output.
  init(_ proto: ONNXNodeProto, name: String, opset: Int) throws(ONNXError) {
    self.name = name
    type = proto.opType
    domain = proto.domain == "ai.onnx" ? "" : proto.domain
    self.opset = opset
    inputs = proto.input
    outputs = proto.output
    guard let first = outputs.first, !first.isEmpty else { throw ONNXError(node: name, "\(proto.opType) has no output") }
    guard inputs.count <= 1 << 16 else { throw ONNXError(node: name, "\(proto.opType) has \(inputs.count) inputs") }
    var attributes: [String: ONNXAttributeProto] = [:]
    for attribute in proto.attribute {
      guard !attribute.hasRefAttrName || attribute.refAttrName.isEmpty else {
        throw ONNXError(node: name, "the attribute '\(attribute.name)' refers to an argument of a function, which is only allowed inside one")
      }
      if attributes.updateValue(attribute, forKey: attribute.name) != nil {
        throw ONNXError(node: name, "the attribute '\(attribute.name)' is given twice")
      }
    }
    self.attributes = attributes
  }

  /// The first output, which every operator here has.
  var output: String { outputs[0] }

  /// Whether the file gives the output at `index` a name.
  func hasOutput(_ index: Int) -> Bool { index < outputs.count && !outputs[index].isEmpty }

  /// The input at `index`, or nil when it is absent.
  func input(_ index: Int) -> String? {
    index < inputs.count && !inputs[index].isEmpty ? inputs[index] : nil
  }

  /// The input at `index`.
  /// - Throws: `ONNXError` when it is absent.
  func requiredInput(_ index: Int, _ role: String) throws(ONNXError) -> String {
    guard let name = input(index) else { throw error("\(type) needs the input '\(role)'") }
    return name
  }

  /// An error at this node.
  func error(_ reason: String) -> ONNXError { ONNXError(node: name, reason) }

  /// The error that this use of the operator is not supported; it joins the list of all such operators.
  func unsupported(_ reason: String?) -> ONNXError {
    ONNXError(unsupported: [.init(type: type, domain: domain, node: name, opset: opset, reason: reason)])
  }

  /// Whether the attribute is given.
  func has(_ name: String) -> Bool { attributes[name] != nil }

  func int(_ name: String, default value: Int) throws(ONNXError) -> Int {
    try attribute(name, .int) { $0.hasI ? Int($0.i) : nil } ?? value
  }

  /// An INT attribute that is 0 or 1.
  func flag(_ name: String, default value: Bool) throws(ONNXError) -> Bool {
    try int(name, default: value ? 1 : 0) != 0
  }

  func float(_ name: String, default value: Float) throws(ONNXError) -> Float {
    try attribute(name, .float) { $0.hasF ? $0.f : nil } ?? value
  }

  func ints(_ name: String) throws(ONNXError) -> [Int]? {
    try attribute(name, .ints) { $0.ints.map(Int.init) }
  }

  func floats(_ name: String) throws(ONNXError) -> [Float]? {
    try attribute(name, .floats) { $0.floats }
  }

  func string(_ name: String) throws(ONNXError) -> String? {
    try attribute(name, .string) { $0.hasS ? String(decoding: $0.s, as: UTF8.self) : nil }
  }

  func tensor(_ name: String) throws(ONNXError) -> ONNXTensorProto? {
    try attribute(name, .tensor) { $0.hasT ? $0.t : nil }
  }

  /// The attribute's value, nil when it is not given. Old files leave the type out.
  private func attribute<Value>(_ name: String, _ type: ONNXAttributeProto.AttributeType, _ value: (ONNXAttributeProto) -> Value?) throws(ONNXError)
    -> Value?
  {
    guard let attribute = attributes[name] else { return nil }
    guard attribute.type == type || attribute.type == .undefined, let result = value(attribute) else {
      throw error("the attribute '\(name)' is \(attribute.type), expected \(type)")
    }
    return result
  }
}
