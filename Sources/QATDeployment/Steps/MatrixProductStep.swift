import CVectorKernels
import QATGraph

/// A product of two tensors of codes, as in attention: [..., rows, length] · [..., length, columns], equal in front.
struct MatrixProductStep: DeployedStep {
  let inputs: [TensorName]
  let outputs: [TensorName]
  let zeroPoints: (a: Int, b: Int)
  let result: ProductResult

  /// Sums of products of two codes, this many, stay in 32 bits: 255 · 255 · 32,768 < 2³¹.
  static let longest = 32_768

  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor] {
    let (a, b) = (codes(inputs, 0), codes(inputs, 1))
    let shape = inputs[0].shape
    let (rows, length, columns) = (shape[shape.count - 2], shape[shape.count - 1], inputs[1].shape[shape.count - 1])
    let matrices = shape.dropLast(2).reduce(1, *)
    return [
      result.filled(count: matrices * rows * columns, shape: shape.dropLast() + [columns], skip: nil) { write in
        parallel(matrices) { matrix in
          let left = a[(matrix * rows * length)..<((matrix + 1) * rows * length)].map { Int16($0) - Int16(zeroPoints.a) }
          let start = matrix * length * columns
          // Columns become rows.
          let right = (0..<columns).flatMap { column in
            (0..<length).map { Int16(b[start + $0 * columns + column]) - Int16(zeroPoints.b) }
          }
          var sums = [Int32](repeating: 0, count: rows * columns)
          qat_integer_products(left, right, rows, columns, length, &sums)
          sums.withUnsafeBufferPointer { sums in
            for row in 0..<rows {
              for column in 0..<columns {
                let index = column * rows + row
                write(0, UnsafeBufferPointer(rebasing: sums[index..<index + 1]), (matrix * rows + row) * columns + column)
              }
            }
          }
        }
      }
    ]
  }
}
