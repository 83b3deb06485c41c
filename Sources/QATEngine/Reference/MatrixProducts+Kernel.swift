import QATGraph
import QATTensor
import RealModule

extension Gemm: ReferenceKernel {
  /// alpha · A′ · B′ + beta · C.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let shape = outputShape(inputs)
    var y = product(left(operand(inputs, 0)), right(operand(inputs, 1))).map { S(alpha) * $0 }
    if inputs.count > 2, let c = inputs[2] { y = broadcast(y, c, shape) { $0 + S(beta) * $1 } }
    return KernelResult([y])
  }

  /// With Y = α A′ B′ + β C: dA′ = α dY B′ᵀ, dB′ = α A′ᵀ dY, dC = β dY summed to C's shape.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let a = left(operand(inputs, 0))
    let b = right(operand(inputs, 1))
    let gradient = Matrix(outputGradients[0].map { S(alpha) * $0 })
    let dA = transposesA ? product(b, gradient.transposed) : product(gradient, b.transposed)
    let dB = transposesB ? product(gradient.transposed, a) : product(a.transposed, gradient)
    var result: [NDArray<S>?] = [dA, dB]
    if inputs.count > 2 { result.append(inputs[2].map { c in summed(outputGradients[0], to: c.shape).map { S(beta) * $0 } }) }
    return result
  }

  private func left<S>(_ a: NDArray<S>) -> Matrix<S> { transposesA ? Matrix(a).transposed : Matrix(a) }
  private func right<S>(_ b: NDArray<S>) -> Matrix<S> { transposesB ? Matrix(b).transposed : Matrix(b) }
}

extension MatMul: ReferenceKernel {
  /// The product of each pair of matrices.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let (a, b) = matrices(inputs)
    let shape = outputShape([a, b])
    let rest = Array(shape.dropLast(2))
    var elements: [S] = []
    elements.reserveCapacity(shape.elementCount)
    for (fromA, fromB) in zip(matrixIndices(a.shape, rest), matrixIndices(b.shape, rest)) {
      elements += product(Matrix(a, fromA), Matrix(b, fromB)).elements
    }
    return KernelResult([NDArray(elements, shape: outputShape(inputs))])
  }

  /// dA = dY Bᵀ and dB = Aᵀ dY for each pair of matrices; a matrix that was broadcast gathers all its gradients.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (a, b) = matrices(inputs)
    let dY = outputGradients[0].reshaped(outputShape([a, b]))
    let rest = Array(dY.shape.dropLast(2))
    var dA = NDArray<S>(repeating: 0, shape: a.shape)
    var dB = NDArray<S>(repeating: 0, shape: b.shape)
    for (index, (fromA, fromB)) in zip(matrixIndices(a.shape, rest), matrixIndices(b.shape, rest)).enumerated() {
      let gradient = Matrix(dY, index)
      add(product(gradient, Matrix(b, fromB).transposed), to: &dA, at: fromA)
      add(product(Matrix(a, fromA).transposed, gradient), to: &dB, at: fromB)
    }
    return [dA.reshaped(operand(inputs, 0).shape), dB.reshaped(operand(inputs, 1).shape)]
  }

  /// The operands, a vector as the row or column that it stands for.
  private func matrices<S>(_ inputs: [NDArray<S>?]) -> (NDArray<S>, NDArray<S>) {
    let (a, b) = (operand(inputs, 0), operand(inputs, 1))
    return (a.shape.count == 1 ? a.reshaped([1] + a.shape) : a, b.shape.count == 1 ? b.reshaped(b.shape + [1]) : b)
  }

  /// For each matrix of the result, whose leading dimensions are `rest`, the index of the operand's matrix.
  private func matrixIndices(_ shape: [Int], _ rest: [Int]) -> [Int] {
    stridedOffsets(shape: rest, strides: broadcastStrides(Array(shape.dropLast(2)), to: rest))
  }

  private func add<S>(_ matrix: NDArray<S>, to array: inout NDArray<S>, at index: Int) {
    for offset in 0..<matrix.count { array.elements[index * matrix.count + offset] += matrix.elements[offset] }
  }
}

/// A matrix in an array's elements, perhaps read with rows and columns exchanged.
private struct Matrix<S: Real & BinaryFloatingPoint & Sendable> {
  var elements: [S]
  var offset: Int
  var rows: Int
  var columns: Int
  var rowStride: Int
  var columnStride: Int

  /// Matrix number `index` of those that an array's last two dimensions span.
  init(_ array: NDArray<S>, _ index: Int = 0) {
    elements = array.elements
    rows = array.shape[array.shape.count - 2]
    columns = array.shape[array.shape.count - 1]
    offset = index * rows * columns
    rowStride = columns
    columnStride = 1
  }

  var transposed: Matrix {
    var result = self
    swap(&result.rows, &result.columns)
    swap(&result.rowStride, &result.columnStride)
    return result
  }

  /// The same matrix with the elements of a row side by side.
  var withContiguousRows: Matrix {
    if columnStride == 1 { return self }
    var result = self
    result.elements = stridedOffsets(shape: [rows, columns], strides: [rowStride, columnStride]).map { elements[offset + $0] }
    result.offset = 0
    result.rowStride = columns
    result.columnStride = 1
    return result
  }
}

/// The matrix product A · B, accumulated in ascending order of the inner index.
private func product<S>(_ a: Matrix<S>, _ b: Matrix<S>) -> NDArray<S> {
  precondition(a.columns == b.rows, "cannot multiply [\(a.rows), \(a.columns)] by [\(b.rows), \(b.columns)]")
  let b = b.withContiguousRows
  var result = NDArray<S>(repeating: 0, shape: [a.rows, b.columns])
  result.elements.withUnsafeMutableBufferPointer { y in
    a.elements.withUnsafeBufferPointer { left in
      b.elements.withUnsafeBufferPointer { right in
        for i in 0..<a.rows {
          for k in 0..<a.columns {
            let factor = left[a.offset + i * a.rowStride + k * a.columnStride]
            let start = b.offset + k * b.rowStride
            for j in 0..<b.columns { y[i * b.columns + j] += factor * right[start + j] }
          }
        }
      }
    }
  }
  return result
}
