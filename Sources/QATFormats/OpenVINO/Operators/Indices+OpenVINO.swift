import QATGraph
import QATTensor

extension Gather: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let axis = writer.constant(Tensor(shape: [], elements: .int64([Int64(self.axis)])), "axis", of: node)
    writer.layer("Gather", opset: 8, of: node, inputs: try writer.inputs(of: node) + [axis], [.init("batch_dims", 0)])
  }
}

extension GatherElements: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("GatherElements", 6) }
  var irAttributes: [IRAttribute] { [.init("axis", axis)] }
}

extension GatherND: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("GatherND", 8) }
  var irAttributes: [IRAttribute] { [.init("batch_dims", batchDimensions)] }
}

extension ScatterND: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    writer.layer("ScatterNDUpdate", opset: 15, of: node, inputs: try writer.inputs(of: node), [.init("reduction", reduction.irName)])
  }
}

extension ScatterElements: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let axis = writer.constant(Tensor(shape: [], elements: .int64([Int64(self.axis)])), "axis", of: node)
    writer.layer(
      "ScatterElementsUpdate", opset: 12, of: node, inputs: try writer.inputs(of: node) + [axis],
      [.init("reduction", reduction.irName), .init("use_init_val", true)])
  }
}

extension Scattering {
  fileprivate var irName: String {
    switch self {
    case .replace: "none"
    case .add: "sum"
    case .multiply: "prod"
    case .maximum: "max"
    case .minimum: "min"
    }
  }
}
