import QATGraph

/// An operator of two inputs that are broadcast as NumPy does.
protocol IRBroadcastOperator: IRLayerOperator {}

extension IRBroadcastOperator {
  var irAttributes: [IRAttribute] { [.numpyBroadcast] }
}

extension IRAttribute {
  static var numpyBroadcast: IRAttribute { .init("auto_broadcast", "numpy") }
}

extension Add: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Add", 1) }
}
extension Sub: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Subtract", 1) }
}
extension Mul: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Multiply", 1) }
}
extension Div: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Divide", 1) }
  /// Quotients of integers are rounded towards zero.
  var irAttributes: [IRAttribute] { [.numpyBroadcast, .init("m_pythondiv", false)] }
}
extension Pow: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Power", 1) }
}
extension Equal: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Equal", 1) }
}
extension Less: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Less", 1) }
}
extension LessOrEqual: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("LessEqual", 1) }
}
extension Greater: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Greater", 1) }
}
extension GreaterOrEqual: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("GreaterEqual", 1) }
}
extension And: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("LogicalAnd", 1) }
}
extension Or: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("LogicalOr", 1) }
}
extension Xor: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("LogicalXor", 1) }
}
extension Where: IRBroadcastOperator {
  static var irLayer: (type: String, opset: Int) { ("Select", 1) }
}

extension Mod: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    writer.layer(roundsDown ? "FloorMod" : "Mod", of: node, inputs: try writer.inputs(of: node), [.numpyBroadcast])
  }
}

extension Reciprocal: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    writer.layer("Divide", of: node, inputs: [writer.scalar(1, "one", of: node), try writer.read(node.inputs[0])], [.numpyBroadcast])
  }
}

extension IRWriter {
  /// Adds an operator of any number of inputs as a chain of layers of two.
  /// - Returns: the last result; with `last` it is bound to the node's output.
  fileprivate mutating func chain(_ type: String, of node: Node, binds: Bool) throws(OpenVINOError) -> Port {
    let inputs = try inputs(of: node)
    var result = inputs[0]
    for (index, input) in inputs.enumerated().dropFirst() {
      if binds, index == inputs.count - 1 {
        layer(type, of: node, inputs: [result, input], [.numpyBroadcast])
      } else {
        result = helper(type, [result, input], "part", of: node, [.numpyBroadcast])
      }
    }
    if binds, inputs.count == 1 { bind(node.outputs[0], to: result) }
    return result
  }
}

extension Max: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { _ = try writer.chain("Maximum", of: node, binds: true) }
}
extension Min: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { _ = try writer.chain("Minimum", of: node, binds: true) }
}
extension Mean: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let sum = try writer.chain("Add", of: node, binds: false)
    writer.layer("Divide", of: node, inputs: [sum, writer.scalar(Float(node.inputs.count), "count", of: node)], [.numpyBroadcast])
  }
}
