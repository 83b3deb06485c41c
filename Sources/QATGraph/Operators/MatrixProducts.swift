import QATTensor

/// alpha · A′ · B′ + beta · C, where A′ and B′ may be transposed. Inputs: A [M, K] or [K, M], B [K, N] or [N, K], optional C broadcastable to [M, N].
///
/// PyTorch's Linear is Gemm with `transposesB`, weight [outputs, inputs]. Source: ONNX operator Gemm.
public struct Gemm: Operator {
  /// ONNX's name.
  public static let type = "Gemm"
  /// A, B, and perhaps C.
  public static let inputCount = 2...3
  /// Factor of the product.
  public var alpha: Float
  /// Factor of C.
  public var beta: Float
  /// Whether A is given as [K, M].
  public var transposesA: Bool
  /// Whether B is given as [N, K].
  public var transposesB: Bool

  /// A matrix product.
  public init(alpha: Float = 1, beta: Float = 1, transposesA: Bool = false, transposesB: Bool = false) {
    self.alpha = alpha
    self.beta = beta
    self.transposesA = transposesA
    self.transposesB = transposesB
  }

  /// [M, N]. C is broadcast to it, never the other way round.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let a = try required(inputs, 0, "A", rank: 2)
    let b = try required(inputs, 1, "B", rank: 2)
    let (rows, inner) = transposesA ? (a.dimensions[1], a.dimensions[0]) : (a.dimensions[0], a.dimensions[1])
    let (innerB, columns) = transposesB ? (b.dimensions[1], b.dimensions[0]) : (b.dimensions[0], b.dimensions[1])
    guard inner == innerB else {
      throw ShapeError("Gemm cannot multiply A \(a)\(transposesA ? " transposed" : "") by B \(b)\(transposesB ? " transposed" : "")")
    }
    if inputs.count > 2, inputs[2] != nil {
      let c = try required(inputs, 2, "C")
      guard broadcast([rows, columns], c.dimensions) == [rows, columns] else {
        throw ShapeError("Gemm with the result [\(rows), \(columns)] cannot add C \(c)")
      }
    }
    return [TensorType([rows, columns])]
  }
}

/// The matrix product over the last two axes, with NumPy's broadcasting over the others. Inputs: A [..., M, K], B [..., K, N].
///
/// A vector counts as a row on the left and as a column on the right, and its axis is missing in the result. Source: ONNX operator MatMul.
public struct MatMul: Operator {
  /// ONNX's name.
  public static let type = "MatMul"
  /// A and B.
  public static let inputCount = 2...2

  /// A matrix product.
  public init() {}

  /// [..., M, N].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let a = try required(inputs, 0, "A")
    let b = try required(inputs, 1, "B")
    guard a.rank >= 1, b.rank >= 1 else { throw ShapeError("MatMul cannot multiply \(a) by \(b)") }
    let left = a.rank == 1 ? [1] + a.dimensions : a.dimensions
    let right = b.rank == 1 ? b.dimensions + [1] : b.dimensions
    guard left[left.count - 1] == right[right.count - 2] else { throw ShapeError("MatMul cannot multiply \(a) by \(b)") }
    guard let outer = broadcast(left.dropLast(2), right.dropLast(2)) else {
      throw ShapeError("MatMul cannot broadcast the leading dimensions of \(a) and \(b)")
    }
    let rows = a.rank == 1 ? [] : [left[left.count - 2]]
    let columns = b.rank == 1 ? [] : [right[right.count - 1]]
    return [TensorType(outer + rows + columns)]
  }
}
