import QATGraph

/// A node of the file or of a function's body, with the versions of the operator sets in which it is to be read.
struct ONNXCall {
  var proto: ONNXNodeProto
  /// By domain; empty for ONNX's own.
  var versions: [String: Int]
}

/// Puts the bodies of functions in the places of their calls: functions that the file brings along, and operators on integers, which stand for a
/// formula in floating point.
struct ONNXFunctions {
  private var functions: [String: ONNXFunctionProto] = [:]
  private var names = UniqueNames()
  /// Nodes that may still be made: functions that call functions could make any number of a small file.
  private var budget: Int

  /// - Throws: `ONNXError` when two functions have one name.
  init(_ model: ONNXModelProto, budget: Int) throws(ONNXError) {
    self.budget = budget
    for function in model.functions {
      if functions.updateValue(function, forKey: Self.key(function.domain, function.name, function.overload)) != nil {
        throw ONNXError("two functions are called '\(function.domain)::\(function.name)'")
      }
    }
    names.take(model.graph.initializer.map(\.name))
    names.take(model.graph.input.map(\.name))
    for node in model.graph.node {
      names.take(node.output)
      names.take([node.name])
    }
  }

  /// The nodes without calls of functions.
  /// - Throws: `ONNXError` when a function calls itself, or the bodies are out of proportion to the file.
  mutating func inlined(_ nodes: [ONNXNodeProto], versions: [String: Int]) throws(ONNXError) -> [ONNXCall] {
    var result: [ONNXCall] = []
    for node in nodes { try inline(ONNXCall(proto: node, versions: versions), callers: [], into: &result) }
    return result
  }

  private mutating func inline(_ call: ONNXCall, callers: [String], into result: inout [ONNXCall]) throws(ONNXError) {
    budget -= 1
    guard budget >= 0 else { throw ONNXError(node: call.proto.name, "its functions call each other too often, out of proportion to the file") }
    let key = Self.key(call.proto.domain, call.proto.opType, call.proto.overload)
    if let function = functions[key] {
      guard !callers.contains(key), callers.count < 64 else { throw ONNXError(node: call.proto.name, "the function '\(key)' calls itself") }
      for inner in try body(of: function, call) { try inline(inner, callers: callers + [key], into: &result) }
    } else if let formula = ONNXIntegerOperators.formulas[key] {
      var builder = ONNXIntegerOperators(call.proto, names: names)
      try formula(&builder)
      names = builder.names
      // The formula is written in opset 13.
      for node in builder.nodes { result.append(ONNXCall(proto: node, versions: call.versions.merging(["": 13]) { $1 })) }
    } else {
      result.append(call)
    }
  }

  /// A function's body with the names and attributes of a call.
  private mutating func body(of function: ONNXFunctionProto, _ call: ONNXCall) throws(ONNXError) -> [ONNXCall] {
    let name = call.proto.name.isEmpty ? names.next(function.name) : call.proto.name
    guard call.proto.input.count <= function.input.count, call.proto.output.count <= function.output.count else {
      throw ONNXError(
        node: name,
        "it has \(call.proto.input.count) inputs and \(call.proto.output.count) outputs, the function '\(function.name)' "
          + "\(function.input.count) and \(function.output.count)")
    }
    var tensors: [String: String] = [:]
    for (index, input) in function.input.enumerated() { tensors[input] = index < call.proto.input.count ? call.proto.input[index] : "" }
    for (index, output) in function.output.enumerated() where index < call.proto.output.count && !call.proto.output[index].isEmpty {
      tensors[output] = call.proto.output[index]
    }
    var attributes: [String: ONNXAttributeProto] = [:]
    for attribute in function.attributeProto + call.proto.attribute { attributes[attribute.name] = attribute }
    var versions: [String: Int] = [:]
    for set in function.opsetImport { versions[set.domain == "ai.onnx" ? "" : set.domain] = Int(set.version) }
    var result: [ONNXCall] = []
    for var node in function.node {
      node.name = names.next("\(name)/\(node.name.isEmpty ? node.opType : node.name)")
      for tensor in node.input + node.output where !tensor.isEmpty && tensors[tensor] == nil { tensors[tensor] = names.next("\(name)/\(tensor)") }
      node.input = node.input.map { tensors[$0] ?? "" }
      node.output = node.output.map { tensors[$0] ?? "" }
      // An attribute that the call leaves out is left out inside as well.
      node.attribute = node.attribute.compactMap { attribute in
        guard attribute.hasRefAttrName, !attribute.refAttrName.isEmpty else { return attribute }
        var given = attributes[attribute.refAttrName]
        given?.name = attribute.name
        return given
      }
      result.append(ONNXCall(proto: node, versions: versions))
    }
    return result
  }

  private static func key(_ domain: String, _ name: String, _ overload: String) -> String {
    let domain = domain == "ai.onnx" ? "" : domain
    return (domain.isEmpty ? name : "\(domain)::\(name)") + (overload.isEmpty ? "" : ":\(overload)")
  }
}
