import Foundation
import QATGraph
import QATTensor

extension BatchNormalization: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("BatchNormInference", 5) }
  var irAttributes: [IRAttribute] { [.init("epsilon", epsilon)] }
}

extension GroupNormalization: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("GroupNormalization", 12) }
  var irAttributes: [IRAttribute] { [.init("num_groups", groups), .init("epsilon", epsilon)] }
}

extension IRWriter {
  /// (x − mean) / √(variance + epsilon) over `axes`.
  fileprivate mutating func normalized(_ node: Node, axes: [Int], epsilon: Float) throws(OpenVINOError) -> Port {
    helper(
      "MVN", opset: 6, [try read(node.inputs[0]), list(axes, "axes", of: node)], "normalized", of: node,
      [.init("eps", epsilon), .init("normalize_variance", true), .init("eps_mode", "INSIDE_SQRT")])
  }

  /// Adds x · scale + bias as the node's output; the scale is an input of the node, the bias may be absent.
  fileprivate mutating func affine(_ x: Port, _ node: Node, shape: [Int]?) throws(OpenVINOError) {
    func reshaped(_ index: Int, _ writer: inout IRWriter) throws(OpenVINOError) -> Port {
      let port = try writer.read(node.inputs[index])
      guard let shape else { return port }
      return writer.helper("Reshape", [port, writer.list(shape, "channels", of: node)], "reshaped", of: node, [.init("special_zero", false)])
    }
    let scale = try reshaped(1, &self)
    guard node.inputs.count > 2, !node.inputs[2].isEmpty else { return layer("Multiply", of: node, inputs: [x, scale], [.numpyBroadcast]) }
    let scaled = helper("Multiply", [x, scale], "scaled", of: node, [.numpyBroadcast])
    layer("Add", of: node, inputs: [scaled, try reshaped(2, &self)], [.numpyBroadcast])
  }
}

extension LayerNormalization: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let rank = writer.dimensions(of: node).count
    let axes = Array((axis < 0 ? axis + rank : axis)..<rank)
    try writer.affine(try writer.normalized(node, axes: axes, epsilon: epsilon), node, shape: nil)
  }
}

extension InstanceNormalization: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let rank = writer.dimensions(of: node).count
    let channels = [-1] + [Int](repeating: 1, count: rank - 2)
    try writer.affine(try writer.normalized(node, axes: Array(2..<rank), epsilon: epsilon), node, shape: channels)
  }
}

extension RMSNormalization: IRWritable {
  /// x / √(mean x² + epsilon) · scale.
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let x = try writer.read(node.inputs[0])
    let square = writer.helper("Multiply", [x, x], "square", of: node, [.numpyBroadcast])
    let axes = writer.list(Array(-axisCount..<0), "axes", of: node)
    let mean = writer.helper("ReduceMean", [square, axes], "mean", of: node, [.init("keep_dims", true)])
    let shifted = writer.helper("Add", [mean, writer.scalar(epsilon, "epsilon", of: node)], "shifted", of: node, [.numpyBroadcast])
    let root = writer.helper("Sqrt", [shifted], "root", of: node)
    let normalized = writer.helper("Divide", [x, root], "normalized", of: node, [.numpyBroadcast, .init("m_pythondiv", true)])
    writer.layer("Multiply", of: node, inputs: [normalized, try writer.read(node.inputs[1])], [.numpyBroadcast])
  }
}

extension LocalResponseNormalization: IRWritable {
  /// x / (bias + α/n Σx²)^β = x / (1 + (α/bias)/n Σx²)^β · bias^−β. OpenVINO's kernel takes every bias for 1.
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let inputs = [try writer.read(node.inputs[0]), writer.list([1], "axes", of: node)]
    let attributes: [IRAttribute] = [.init("alpha", alpha / bias), .init("beta", beta), .init("bias", 1 as Float), .init("size", size)]
    guard bias != 1 else { return writer.layer("LRN", of: node, inputs: inputs, attributes) }
    let normalized = writer.helper("LRN", inputs, "normalized", of: node, attributes)
    let factor = Float(pow(Double(bias), Double(-beta)))
    writer.layer("Multiply", of: node, inputs: [normalized, writer.scalar(factor, "factor", of: node)], [.numpyBroadcast])
  }
}
