import QATGraph
import QATTensor
import Testing

@Suite struct LayoutShapeTests {
  private static let x: [Dimension] = [.batch, 2, 3, 4]

  static let joins: [ShapeCase] = [
    ShapeCase(Concat(axis: 1), [.batch, 3, 7], [.batch, 5, 7], gives: [.batch, 8, 7]),
    ShapeCase(Concat(axis: -2), x, x, x, gives: [.batch, 2, 9, 4]),
    ShapeCase(Concat(axis: 0), [3], gives: [3]), ShapeCase(Concat(axis: 0), [3], [0], [2], gives: [5]),
    ShapeCase(Concat(axis: 1), [.batch, 3, 7], [.batch, 5, 6], refused: "cannot join", "float32[batch, 5, 6]"),
    ShapeCase(Concat(axis: 1), [.batch, 3], [2, 3], refused: "cannot join"),
    ShapeCase(Concat(axis: 1), [.batch, 3], [.batch, 3, 1], refused: "cannot join"),
    ShapeCase(Concat(axis: 0), [.batch, 3], [.batch, 3], refused: "cannot join"), ShapeCase(Concat(axis: 2), [.batch, 3], refused: "axis 2"),
    ShapeCase(Concat(axis: 0), [], refused: "axis 0"), ShapeCase(Concat(axis: 1), [.batch, 3], nil, refused: "needs the input"),
    ShapeCase(Concat(axis: 0), refused: "needs the input"), ShapeCase(Concat(axis: 0), [.fixed(.max)], [1], refused: "more on axis 0"),
  ]

  static let flattenings: [ShapeCase] = [
    ShapeCase(Flatten(), x, gives: [.batch, 24]), ShapeCase(Flatten(axis: 0), x, gives: [1, .batch(multiple: 24)]),
    ShapeCase(Flatten(axis: 2), x, gives: [.batch(multiple: 2), 12]), ShapeCase(Flatten(axis: 4), x, gives: [.batch(multiple: 24), 1]),
    ShapeCase(Flatten(axis: -1), x, gives: [.batch(multiple: 6), 4]), ShapeCase(Flatten(axis: -4), x, gives: [1, .batch(multiple: 24)]),
    ShapeCase(Flatten(axis: 0), [], gives: [1, 1]), ShapeCase(Flatten(), [5], gives: [5, 1]), ShapeCase(Flatten(), [2, 0], gives: [2, 0]),
    ShapeCase(Flatten(axis: 5), x, refused: "axis 5"), ShapeCase(Flatten(axis: -5), x, refused: "axis -5"),
    ShapeCase(Flatten(), [], refused: "axis 1"),
    ShapeCase(Flatten(axis: .min), x, refused: "axis"), ShapeCase(Flatten(axis: .max), x, refused: "axis"),
    ShapeCase(Flatten(), [.batch, .fixed(.max), 2], refused: "too large"), ShapeCase(Flatten(axis: 0), [.batch, .batch], refused: "batch twice"),
  ]

  static let reshapes: [ShapeCase] = [
    ShapeCase(Reshape(shape: [0, -1]), x, gives: [.batch, 24]), ShapeCase(Reshape(shape: [-1, 24]), x, gives: [.batch, 24]),
    ShapeCase(Reshape(shape: [-1]), x, gives: [.batch(multiple: 24)]), ShapeCase(Reshape(shape: [-1, 4]), x, gives: [.batch(multiple: 6), 4]),
    ShapeCase(Reshape(shape: [0, 0, 12]), x, gives: [.batch, 2, 12]), ShapeCase(Reshape(shape: [0, 4, 0, 2]), x, gives: [.batch, 4, 3, 2]),
    ShapeCase(Reshape(shape: [2, 3]), [6], gives: [2, 3]), ShapeCase(Reshape(shape: []), [1, 1], gives: []),
    ShapeCase(Reshape(shape: [1]), [], gives: [1]),
    // Heads out of the batch and back in.
    ShapeCase(Reshape(shape: [-1, 2, 8]), [.batch(multiple: 6), 8], gives: [.batch(multiple: 3), 2, 8]),
    // With the batch at its place, what remains is a number.
    ShapeCase(Reshape(shape: [0, -1]), [.batch, 5], gives: [.batch, 5]), ShapeCase(Reshape(shape: [-1, 0]), [6, .batch], gives: [6, .batch]),
    ShapeCase(Reshape(shape: [0, 3]), [0, 3], gives: [0, 3]), ShapeCase(Reshape(shape: [-1, 3]), [0, 3], gives: [0, 3]),
    ShapeCase(Reshape(shape: [0, -1]), [0, 3], refused: "does not divide"), ShapeCase(Reshape(shape: [-1, -1]), x, refused: "more than one"),
    ShapeCase(Reshape(shape: [0, 25]), x, refused: "element count"), ShapeCase(Reshape(shape: [24]), x, refused: "element count"),
    ShapeCase(Reshape(shape: [0, 5, -1]), x, refused: "does not divide"),
    ShapeCase(Reshape(shape: [-1, 0]), [6, 4, .batch], gives: [.batch(multiple: 6), 4]),
    ShapeCase(Reshape(shape: [6, 0]), [6], refused: "copies dimension 1"), ShapeCase(Reshape(shape: [-2, 3]), [6], refused: "negative"),
    ShapeCase(Reshape(shape: [.min]), [6], refused: "negative"), ShapeCase(Reshape(shape: [.max, .max]), [6], refused: "too many"),
    ShapeCase(Reshape(shape: [1 << 62, 4]), [0, 2], refused: "too many"), ShapeCase(Reshape(shape: [-1]), [.fixed(.max), 3], refused: "too many"),
    ShapeCase(Reshape(shape: [-1]), [.batch, .batch], refused: "batch twice"), ShapeCase(Reshape(shape: []), [2], refused: "element count"),
  ]

  static let transpositions: [ShapeCase] = [
    ShapeCase(Transpose(permutation: [0, 2, 3, 1]), x, gives: [.batch, 3, 4, 2]),
    ShapeCase(Transpose(permutation: [3, 2, 1, 0]), x, gives: [4, 3, 2, .batch]),
    ShapeCase(Transpose(permutation: []), [], gives: []), ShapeCase(Transpose(permutation: [0, 1, 2]), x, refused: "perm [0, 1, 2]"),
    ShapeCase(Transpose(permutation: [0, 1, 2, 2]), x, refused: "perm"), ShapeCase(Transpose(permutation: [0, -3, -2, -1]), x, refused: "perm"),
    ShapeCase(Transpose(permutation: [1, 2, 3, 4]), x, refused: "perm"), ShapeCase(Transpose(permutation: [0, 1, .min, .max]), x, refused: "perm"),
    ShapeCase(Transpose(permutation: [0]), [], refused: "perm"), ShapeCase(Transpose(permutation: [0]), nil, refused: "needs the input"),
  ]

  @Test(arguments: joins) func concatAddsUpOneAxis(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: flattenings) func flattenMakesAMatrix(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: reshapes) func reshapeKeepsTheElements(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: transpositions) func transposeTakesPermutationsOnly(_ shapes: ShapeCase) { shapes.check() }

  @Test func tensorsOfTwoElementTypesAreNotJoined() {
    #expect(throws: ShapeError.self) { try Concat(axis: 0).outputTypes(for: [TensorType([2]), TensorType([2], .int8)]) }
  }
}
