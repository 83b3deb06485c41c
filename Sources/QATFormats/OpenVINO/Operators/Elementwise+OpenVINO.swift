import QATGraph
import QATTensor

/// An operator that is one layer of OpenVINO on the same inputs.
protocol IRLayerOperator: IRWritable {
  /// OpenVINO's name, and the operation set it came with.
  static var irLayer: (type: String, opset: Int) { get }
  /// Its attributes.
  var irAttributes: [IRAttribute] { get }
}

extension IRLayerOperator {
  var irAttributes: [IRAttribute] { [] }

  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    writer.layer(Self.irLayer.type, opset: Self.irLayer.opset, of: node, inputs: try writer.inputs(of: node), irAttributes)
  }
}

extension Relu: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("ReLU", 1) }
}
extension Sigmoid: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Sigmoid", 1) }
}
extension Tanh: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Tanh", 1) }
}
extension HardSwish: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("HSwish", 4) }
}
extension Mish: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Mish", 4) }
}
extension Softplus: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("SoftPlus", 4) }
}
extension Softsign: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("SoftSign", 9) }
}
extension Exp: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Exp", 1) }
}
extension Log: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Log", 1) }
}
extension Sqrt: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Sqrt", 1) }
}
extension Neg: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Negative", 1) }
}
extension Abs: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Abs", 1) }
}
extension Erf: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Erf", 1) }
}
extension Sin: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Sin", 1) }
}
extension Cos: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Cos", 1) }
}
extension Floor: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Floor", 1) }
}
extension Ceil: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Ceiling", 1) }
}
extension Sign: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Sign", 1) }
}
extension Round: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Round", 5) }
  var irAttributes: [IRAttribute] { [.init("mode", "half_to_even")] }
}
extension IsNaN: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("IsNaN", 10) }
}
extension Not: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("LogicalNot", 1) }
}
extension Elu: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Elu", 1) }
  var irAttributes: [IRAttribute] { [.init("alpha", alpha)] }
}
extension Gelu: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Gelu", 7) }
  var irAttributes: [IRAttribute] { [.init("approximation_mode", approximation == .none ? "ERF" : "TANH")] }
}
extension Clip: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Clamp", 1) }
  var irAttributes: [IRAttribute] { [.init("min", lower), .init("max", upper)] }
}
extension Softmax: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("SoftMax", 8) }
  var irAttributes: [IRAttribute] { [.init("axis", axis)] }
}
extension LogSoftmax: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("LogSoftmax", 5) }
  var irAttributes: [IRAttribute] { [.init("axis", axis)] }
}
extension PRelu: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("PReLU", 1) }
}
extension Cast: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Convert", 1) }
  var irAttributes: [IRAttribute] { [.init("destination_type", elementType.irName)] }
}
