import QATGraph
import QATTensor

extension Concat: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("Concat", 1) }
  var irAttributes: [IRAttribute] { [.init("axis", axis)] }
}

extension IRWriter {
  /// Adds a Reshape to the shape that the output of `node` has; the batch, which is there once at most, takes what remains.
  fileprivate mutating func reshape(_ node: Node) throws(OpenVINOError) {
    let sizes = (types[node.outputs[0]]?.dimensions ?? []).map { $0.fixedSize ?? -1 }
    layer("Reshape", of: node, inputs: [try read(node.inputs[0]), list(sizes, "shape", of: node)], [.init("special_zero", false)])
  }
}

extension Flatten: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try writer.reshape(node) }
}

extension Reshape: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try writer.reshape(node) }
}

extension Transpose: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    writer.layer("Transpose", of: node, inputs: [try writer.read(node.inputs[0]), writer.list(permutation, "order", of: node)])
  }
}

extension Slice: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let bounds = [("starts", starts), ("ends", ends), ("steps", steps), ("axes", axes)].map { writer.list($1, $0, of: node) }
    writer.layer("Slice", opset: 8, of: node, inputs: [try writer.read(node.inputs[0])] + bounds)
  }
}

extension Pad: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let rank = pads.count / 2
    var inputs = [
      try writer.read(node.inputs[0]), writer.list(Array(pads[..<rank]), "begin", of: node), writer.list(Array(pads[rank...]), "end", of: node),
    ]
    let mode: String
    switch self.mode {
    case .constant(let value):
      mode = "constant"
      inputs.append(writer.scalar(value, "value", of: node))
    case .reflect: mode = "reflect"
    case .edge: mode = "edge"
    case .wrap: throw OpenVINOError(node: node.name, "OpenVINO cannot pad with the elements at the other end (mode wrap)")
    }
    writer.layer("Pad", opset: 12, of: node, inputs: inputs, [.init("pad_mode", mode)])
  }
}

extension Expand: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let shape = try writer.shape(self.shape, of: node)
    writer.layer("Broadcast", opset: 3, of: node, inputs: [try writer.read(node.inputs[0]), shape], [.init("mode", "bidirectional")])
  }
}

extension Tile: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    writer.layer("Tile", of: node, inputs: [try writer.read(node.inputs[0]), writer.list(repeats, "repeats", of: node)])
  }
}

extension Trilu: IRWritable {
  /// Chosen by a constant mask of the matrix.
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let sizes = writer.dimensions(of: node).suffix(2).compactMap(\.fixedSize)
    guard sizes.count == 2 else { throw OpenVINOError(node: node.name, "a triangle of matrices whose size is the batch's has no form in OpenVINO") }
    let mask = (0..<sizes[0]).flatMap { row in (0..<sizes[1]).map { keepsUpper ? $0 - row >= diagonal : $0 - row <= diagonal } }
    let keeps = writer.constant(Tensor(shape: sizes, elements: .bool(mask)), "mask", of: node)
    writer.layer("Select", of: node, inputs: [keeps, try writer.read(node.inputs[0]), writer.scalar(0, "zero", of: node)], [.numpyBroadcast])
  }
}

extension DepthToSpace: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("DepthToSpace", 1) }
  var irAttributes: [IRAttribute] { [.init("block_size", blockSize), .init("mode", order == .depthColumnRow ? "blocks_first" : "depth_first")] }
}

extension SpaceToDepth: IRLayerOperator {
  static var irLayer: (type: String, opset: Int) { ("SpaceToDepth", 1) }
  var irAttributes: [IRAttribute] { [.init("block_size", blockSize), .init("mode", "blocks_first")] }
}
