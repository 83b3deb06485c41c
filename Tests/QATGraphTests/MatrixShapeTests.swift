import QATGraph
import QATTensor
import Testing

@Suite struct MatrixShapeTests {
  private static let linear = Gemm(transposesB: true)

  static let gemms: [ShapeCase] = [
    ShapeCase(Gemm(), [.batch, 5], [5, 7], gives: [.batch, 7]), ShapeCase(linear, [.batch, 5], [7, 5], [7], gives: [.batch, 7]),
    ShapeCase(Gemm(transposesA: true), [5, .batch], [5, 7], gives: [.batch, 7]),
    ShapeCase(Gemm(transposesA: true, transposesB: true), [5, 3], [7, 5], nil, gives: [3, 7]),
    // The contribution of a batch to a weight's gradient is a product over the batch.
    ShapeCase(Gemm(transposesA: true), [.batch, 5], [.batch, 7], gives: [5, 7]),
    // C is broadcast to the result, in one direction.
    ShapeCase(Gemm(), [3, 5], [5, 7], [], gives: [3, 7]), ShapeCase(Gemm(), [3, 5], [5, 7], [1], gives: [3, 7]),
    ShapeCase(Gemm(), [3, 5], [5, 7], [3, 1], gives: [3, 7]), ShapeCase(Gemm(), [3, 5], [5, 7], [1, 7], gives: [3, 7]),
    ShapeCase(Gemm(), [3, 5], [5, 7], [3, 7], gives: [3, 7]), ShapeCase(Gemm(), [.batch, 5], [5, 7], [.batch, 1], gives: [.batch, 7]),
    ShapeCase(Gemm(), [3, 5], [5, 7], [3], refused: "[3, 7]", "C float32[3]"), ShapeCase(Gemm(), [3, 5], [5, 7], [7, 3], refused: "C"),
    ShapeCase(Gemm(), [1, 5], [5, 7], [2, 7], refused: "C"), ShapeCase(Gemm(), [3, 5], [5, 1], [7], refused: "C"),
    ShapeCase(Gemm(), [3, 5], [5, 7], [1, 3, 7], refused: "C"), ShapeCase(Gemm(), [3, 5], [5, 7], [.batch, 7], refused: "C"),
    ShapeCase(Gemm(), [.batch, 5], [7, 5], refused: "cannot multiply", "float32[7, 5]"),
    ShapeCase(linear, [.batch, 5], [5, 7], refused: "B float32[5, 7] transposed"),
    ShapeCase(Gemm(), [.batch, 5, 1], [5, 7], refused: "'A' of 2 dimensions"), ShapeCase(Gemm(), [.batch, 5], [5], refused: "'B' of 2 dimensions"),
    ShapeCase(Gemm(), [.batch, 5], nil, refused: "'B'"),
  ]

  static let matrixProducts: [ShapeCase] = [
    ShapeCase(MatMul(), [.batch, 5], [5, 7], gives: [.batch, 7]), ShapeCase(MatMul(), [.batch, 49, 64], [64, 32], gives: [.batch, 49, 32]),
    ShapeCase(MatMul(), [.batch, 8, 49, 16], [.batch, 8, 16, 49], gives: [.batch, 8, 49, 49]),
    ShapeCase(MatMul(), [2, 1, 3, 4], [5, 4, 6], gives: [2, 5, 3, 6]), ShapeCase(MatMul(), [1, 3, 4], [.batch, 4, 6], gives: [.batch, 3, 6]),
    ShapeCase(MatMul(), [5], [5, 7], gives: [7]), ShapeCase(MatMul(), [3, 5], [5], gives: [3]),
    ShapeCase(MatMul(), [3, 5], [4, 7], refused: "MatMul cannot multiply"), ShapeCase(MatMul(), [3, 1], [5, 7], refused: "MatMul cannot multiply"),
    ShapeCase(MatMul(), [2, 3, 5], [3, 5, 7], refused: "MatMul cannot broadcast"),
    ShapeCase(MatMul(), [.batch, 3, 5], [4, 5, 7], refused: "MatMul cannot broadcast"), ShapeCase(MatMul(), nil, [5, 7], refused: "'A'"),
  ]

  @Test(arguments: gemms) func gemmMultipliesMatricesAndBroadcastsC(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: matrixProducts) func matMulBroadcastsLeadingDimensions(_ shapes: ShapeCase) { shapes.check() }
}
