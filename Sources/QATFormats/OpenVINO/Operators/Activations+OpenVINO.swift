import QATGraph
import QATTensor

extension LeakyRelu: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    writer.layer("PReLU", of: node, inputs: [try writer.read(node.inputs[0]), writer.constant(Tensor([alpha], shape: [1]), "slope", of: node)])
  }
}

extension Selu: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let factors = [writer.scalar(alpha, "alpha", of: node), writer.scalar(gamma, "lambda", of: node)]
    writer.layer("Selu", of: node, inputs: [try writer.read(node.inputs[0])] + factors)
  }
}

extension Celu: IRWritable {
  /// α · Elu(x / α).
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let factor = writer.scalar(alpha, "alpha", of: node)
    let scaled = writer.helper("Divide", [try writer.read(node.inputs[0]), factor], "scaled", of: node, [.numpyBroadcast])
    let bent = writer.helper("Elu", [scaled], "bent", of: node, [.init("alpha", 1 as Float)])
    writer.layer("Multiply", of: node, inputs: [bent, factor], [.numpyBroadcast])
  }
}

extension ThresholdedRelu: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let x = try writer.read(node.inputs[0])
    let threshold = writer.scalar(alpha, "threshold", of: node)
    let isAbove = writer.helper("Greater", [x, threshold], "above", of: node, [.numpyBroadcast], elementType: .bool)
    writer.layer("Select", of: node, inputs: [isAbove, x, writer.scalar(0, "zero", of: node)], [.numpyBroadcast])
  }
}

extension HardSigmoid: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let factors = [writer.scalar(alpha, "alpha", of: node), writer.scalar(beta, "beta", of: node)]
    writer.layer("HardSigmoid", of: node, inputs: [try writer.read(node.inputs[0])] + factors)
  }
}

extension Swish: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let beta = alpha == 1 ? [] : [writer.scalar(alpha, "beta", of: node)]
    writer.layer("Swish", opset: 4, of: node, inputs: [try writer.read(node.inputs[0])] + beta)
  }
}

extension Identity: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { writer.bind(node.outputs[0], to: try writer.read(node.inputs[0])) }
}

extension Dropout: IRWritable {
  /// Nothing is dropped outside of training.
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { writer.bind(node.outputs[0], to: try writer.read(node.inputs[0])) }
}
