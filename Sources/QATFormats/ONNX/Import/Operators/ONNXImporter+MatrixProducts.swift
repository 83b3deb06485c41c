import QATGraph

/// Linear layers.
extension ONNXImporter {
  static let matrixProducts: [String: OperatorImporter] = ["Gemm": gemm, "MatMul": matMul]

  private static func gemm(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    var inputs = [try importer.tensor(0, "A", node), try importer.tensor(1, "B", as: .parameter, node)]
    if node.input(2) != nil { inputs.append(try importer.tensor(2, "C", as: .parameter, node)) }
    let op = Gemm(
      alpha: try node.float("alpha", default: 1), beta: try node.float("beta", default: 1), transposesA: try node.flag("transA", default: false),
      transposesB: try node.flag("transB", default: false))
    try importer.emit(op, inputs, node)
  }

  private static func matMul(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    importer.products.insert(node.output)
    try importer.emit(MatMul(), [try importer.tensor(0, "A", as: .parameter, node), try importer.tensor(1, "B", as: .parameter, node)], node)
  }
}
