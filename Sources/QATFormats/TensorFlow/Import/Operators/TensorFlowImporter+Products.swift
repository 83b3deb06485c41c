import QATGraph
import QATImporting
import QATTensor

/// Matrix products.
extension TensorFlowImporter {
  static let products: [String: OperatorImporter] = [
    "MatMul": matMul, "BatchMatMul": batchMatMul, "BatchMatMulV2": batchMatMul, "BatchMatMulV3": batchMatMul, "Einsum": einsum,
  ]

  private static func matMul(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    guard try !node.flag("transpose_a", default: false) else { throw node.unsupported("with transpose_a is not") }
    let isTransposed = try node.flag("transpose_b", default: false)
    var places: [Int]?
    let x: TensorName
    if case .computed(let name, let layout) = try importer.value(0, node), let featurePlaces = layout.featurePlaces, try importer.isConstant(1, node)
    {
      // The rows of the weight take the order of the features, so that no transposition is needed.
      (x, places) = (name, featurePlaces)
    } else {
      x = try importer.plain(0, node)
    }
    let weight = try importer.matrix(1, rows: places, isTransposed: isTransposed, node)
    try importer.emit(MatMul(), [x, weight], .plain, node)
  }

  private func isConstant(_ index: Int, _ node: TensorFlowNode) throws(TensorFlowError) -> Bool {
    switch try value(index, node) {
    case .constant, .quantized: true
    default: false
    }
  }

  /// The second operand of a product as [inputs, outputs]. `rows` says for each row of the file's weight its row here.
  private mutating func matrix(_ index: Int, rows: [Int]?, isTransposed: Bool, _ node: TensorFlowNode) throws(TensorFlowError) -> TensorName {
    func placed(_ tensor: Tensor) throws(TensorFlowError) -> Tensor {
      guard tensor.shape.count == 2 else { throw node.error("its weight has the shape \(tensor.shape), expected a matrix") }
      let matrix = isTransposed ? tensor.transposed([1, 0]) : tensor
      guard let rows else { return matrix }
      guard rows.count == matrix.shape[0] else { throw node.error("its weight has \(matrix.shape[0]) rows for \(rows.count) features") }
      return matrix.withRows(at: rows)
    }
    switch try value(index, node) {
    case .constant(let tensor, let origin): return add(try placed(tensor), named: origin, .parameter)
    case .quantized(let constant):
      let axis = constant.channelAxis(in: constant.tensor.shape).map { $0 >= 0 && isTransposed ? 1 - $0 : $0 }
      return try quantizer(constant, try placed(constant.tensor), axis: axis, node)
    default:
      let name = try plain(index, node)
      return isTransposed ? try emitHelper(Transpose(permutation: [1, 0]), [name], "transposed", node) : name
    }
  }

  private static func batchMatMul(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    var operands: [TensorName] = []
    for (index, attribute) in ["adj_x", "adj_y"].enumerated() {
      let name = try importer.plain(index, as: .parameter, node)
      guard try node.flag(attribute, default: false) else {
        operands.append(name)
        continue
      }
      let rank = importer.type(of: name).rank
      guard rank >= 2 else { throw node.error("it transposes \(importer.type(of: name))") }
      let permutation = Array(0..<rank - 2) + [rank - 1, rank - 2]
      operands.append(try importer.emitHelper(Transpose(permutation: permutation), [name], attribute, node))
    }
    try importer.emit(MatMul(), operands, .plain, node)
  }
}

extension Tensor {
  /// The matrix with row i at `places[i]`.
  func withRows(at places: [Int]) -> Tensor {
    let width = shape[1]
    var sources = [Int](repeating: 0, count: count)
    for (row, place) in places.enumerated() {
      for column in 0..<width { sources[place * width + column] = row * width + column }
    }
    return Tensor(shape: shape, elements: elements.gathered(sources))
  }
}
