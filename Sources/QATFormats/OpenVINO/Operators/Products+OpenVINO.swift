import QATGraph
import QATTensor

extension IRWriter {
  /// The weight of a layer in `shape`: a constant of that shape, or a computed tensor that is reshaped.
  fileprivate mutating func weight(of node: Node, as shape: [Int]?) throws(OpenVINOError) -> Port {
    let name = node.inputs[1]
    if let tensor = graph.tensor(name) { return weight(name, tensor, as: shape) }
    let port = try read(name)
    guard let shape else { return port }
    return helper("Reshape", [port, list(shape, "grouped", of: node)], "weight", of: node, [.init("special_zero", false)])
  }

  /// The bias of an image layer as [1, channels, 1, 1]; nil without one.
  fileprivate mutating func bias(of node: Node, rank: Int) throws(OpenVINOError) -> Port? {
    guard node.inputs.count > 2, !node.inputs[2].isEmpty else { return nil }
    let shape = [1, -1] + [Int](repeating: 1, count: rank - 2)
    if let tensor = graph.tensor(node.inputs[2]) {
      return builder.constant(Tensor(shape: shape.map { $0 < 0 ? tensor.count : $0 }, elements: tensor.elements), name: node.inputs[2])
    }
    return helper("Reshape", [try read(node.inputs[2]), list(shape, "channels", of: node)], "bias", of: node, [.init("special_zero", false)])
  }

  /// Adds a layer of images, and behind it the bias.
  fileprivate mutating func imageLayer(_ type: String, _ node: Node, weight: Port, _ attributes: [IRAttribute]) throws(OpenVINOError) {
    let inputs = [try read(node.inputs[0]), weight]
    guard let bias = try bias(of: node, rank: dimensions(of: node).count) else { return layer(type, of: node, inputs: inputs, attributes) }
    let product = helper(type, inputs, "product", of: node, attributes)
    layer("Add", of: node, inputs: [product, bias], [.numpyBroadcast])
  }
}

extension Convolution: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let weight = writer.dimensions(of: node, 1).compactMap(\.fixedSize)
    let grouped = groups == 1 ? nil : [groups, weight[0] / groups] + weight[1...]
    try writer.imageLayer(
      groups == 1 ? "Convolution" : "GroupConvolution", node, weight: try writer.weight(of: node, as: grouped), window.irAttributes)
  }
}

extension ConvolutionTranspose: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let weight = writer.dimensions(of: node, 1).compactMap(\.fixedSize)
    let grouped = groups == 1 ? nil : [groups, weight[0] / groups] + weight[1...]
    try writer.imageLayer(
      groups == 1 ? "ConvolutionBackpropData" : "GroupConvolutionBackpropData", node, weight: try writer.weight(of: node, as: grouped),
      window.irAttributes + [.init("output_padding", outputPadding)])
  }
}

extension IRWriter {
  /// Adds a product of matrices. A constant second matrix is written as its transpose, the form of weights that OpenVINO's integer kernels take.
  fileprivate mutating func matrixProduct(_ node: Node, transposes: (Bool, Bool)) throws(OpenVINOError) {
    let (inputs, attributes) = try operands(of: node, transposes: transposes)
    layer("MatMul", of: node, inputs: inputs, attributes)
  }

  /// What a product of matrices reads, and what it transposes.
  fileprivate mutating func operands(of node: Node, transposes: (Bool, Bool)) throws(OpenVINOError) -> (inputs: [Port], attributes: [IRAttribute]) {
    let left = try read(node.inputs[0])
    func attributes(_ second: Bool) -> [IRAttribute] { [.init("transpose_a", transposes.0), .init("transpose_b", second)] }
    if let tensor = graph.tensor(node.inputs[1]), tensor.shape.count == 2 {
      return ([left, weight(node.inputs[1], tensor, transposed: !transposes.1)], attributes(true))
    }
    return ([left, try read(node.inputs[1])], attributes(transposes.1))
  }
}

extension MatMul: IRWritable {
  /// OpenVINO's kernels want both operands of one rank: a product with a vector, or of a matrix with several constant ones, is a sum of products.
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let ranks = (writer.dimensions(of: node).count, writer.dimensions(of: node, 1).count)
    let isUneven = ranks.0 < ranks.1 && writer.graph.tensor(node.inputs[1]) != nil
    guard ranks.0 == 1 || ranks.1 == 1 || isUneven else { return try writer.matrixProduct(node, transposes: (false, false)) }
    var operands = try writer.inputs(of: node)
    // Σ over k of [..., M, K, 1] · [..., 1, K, N]; a vector on the left is [K, 1], on the right [K].
    if ranks.1 > 1 { operands[0] = writer.helper("Unsqueeze", [operands[0], writer.list([-1], "column", of: node)], "left", of: node) }
    if ranks.0 > 1, ranks.1 > 1 { operands[1] = writer.helper("Unsqueeze", [operands[1], writer.list([-3], "row", of: node)], "right", of: node) }
    let products = writer.helper("Multiply", operands, "products", of: node, [.numpyBroadcast])
    let axis = writer.list([ranks.1 > 1 ? -2 : -1], "axis", of: node)
    writer.layer("ReduceSum", of: node, inputs: [products, axis], [.init("keep_dims", false)])
  }
}

extension Gemm: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let hasSummand = node.inputs.count > 2 && !node.inputs[2].isEmpty && beta != 0
    if alpha == 1, !hasSummand { return try writer.matrixProduct(node, transposes: (transposesA, transposesB)) }
    let (inputs, attributes) = try writer.operands(of: node, transposes: (transposesA, transposesB))
    var product = writer.helper("MatMul", inputs, "product", of: node, attributes)
    if alpha != 1 {
      let factor = writer.scalar(alpha, "alpha", of: node)
      guard hasSummand else { return writer.layer("Multiply", of: node, inputs: [product, factor], [.numpyBroadcast]) }
      product = writer.helper("Multiply", [product, factor], "scaled", of: node, [.numpyBroadcast])
    }
    var summand = try writer.read(node.inputs[2])
    if beta != 1 { summand = writer.helper("Multiply", [summand, writer.scalar(beta, "beta", of: node)], "summand", of: node, [.numpyBroadcast]) }
    writer.layer("Add", of: node, inputs: [product, summand], [.numpyBroadcast])
  }
}
