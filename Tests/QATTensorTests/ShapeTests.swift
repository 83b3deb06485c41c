import QATTensor
import Testing

@Suite struct ShapeTests {
  @Test(
    arguments: [
      ([], 1), ([5], 5), ([2, 3, 4], 24), ([0], 0), ([3, 0, 2], 0), ([Int.max], Int.max), ([1 << 31, 1 << 31], 1 << 62),
    ] as [([Int], Int)])
  func countsElements(shape: [Int], count: Int) {
    #expect(shape.elementCount == count)
    #expect(shape.checkedElementCount == count)
  }

  /// A zero does not excuse the others: their product is a stride.
  @Test(arguments: [[-1], [-2, -3], [0, -1], [Int.min], [1 << 32, 1 << 31], [Int.max, 2], [Int.max, 2, 0], [0, Int.max, Int.max]])
  func refusesToCountWhatNoTensorCanHave(shape: [Int]) {
    #expect(shape.checkedElementCount == nil)
  }

  @Test(arguments: [([], []), ([7], [1]), ([2, 3], [3, 1]), ([2, 3, 4, 5], [60, 20, 5, 1]), ([4, 0, 2], [0, 2, 1])] as [([Int], [Int])])
  func stridesAreRowMajor(shape: [Int], strides: [Int]) {
    #expect(shape.rowMajorStrides == strides)
  }

  @Test(arguments: [
    (ElementType.float32, 4), (.float64, 8), (.int8, 1), (.uint8, 1), (.int32, 4), (.int64, 8), (.bool, 1),
  ])
  func elementTypesKnowTheirSize(type: ElementType, byteCount: Int) {
    #expect(type.byteCount == byteCount)
  }

  @Test func everyElementTypeHasASizeAbove0() {
    #expect(ElementType.allCases.count == 7)
    #expect(ElementType.allCases.allSatisfy { $0.byteCount > 0 })
  }
}
