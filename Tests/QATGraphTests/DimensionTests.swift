import QATGraph
import QATTensor
import Testing

@Suite struct DimensionTests {
  @Test func resolvesMultiplesOfTheBatch() {
    #expect(Dimension.batch.resolved(batchSize: 5) == 5)
    #expect(Dimension.batch(multiple: 49).resolved(batchSize: 2) == 98)
    #expect(Dimension.fixed(7).resolved(batchSize: 2) == 7)
    #expect(TensorType([.batch, 3, .batch(multiple: 4)]).shape(batchSize: 2) == [2, 3, 8])
    #expect(Dimension.fixed(7).fixedSize == 7)
    #expect(Dimension.batch.fixedSize == nil)
  }

  @Test func describesItselfInWords() {
    #expect(TensorType([.batch, 3, .batch(multiple: 49)]).description == "float32[batch, 3, 49·batch]")
    #expect(TensorType([], .int64).description == "int64[]")
    #expect(TensorType(Tensor([1, 2], shape: [2, 1])) == TensorType([2, 1]))
    #expect(TensorType([4, 5]).rank == 2)
  }

  /// Symbolic results hold for every batch size: they are what arithmetic on numbers gives.
  private static let limit = 1 << 40
  static let counts: [(dimensions: [Dimension], batchSize: Int, count: Int?)] = [
    ([], 3, 1), ([.batch, 3, 4], 2, 24), ([0, 5], 1, 0), ([.batch], 0, 0), ([.fixed(limit)], 1, limit),
    ([.batch(multiple: 1024)], limit / 1024, limit), ([.fixed(limit + 1)], 1, nil), ([.batch(multiple: 1024), 2], limit / 1024, nil),
    ([.fixed(.max), .fixed(.max)], 1, nil), ([-1], 1, nil), ([.fixed(.min), 0], 1, nil), ([0, .fixed(.max), 2], 1, nil),
    ([.batch(multiple: .max)], 2, nil), ([.batch(multiple: -1)], 1, nil), ([.batch], -1, nil), ([.batch, .batch], 2_000_000, nil),
  ]

  @Test(arguments: counts.indices)
  func countsElementsOfWhatAMachineCanHold(index: Int) {
    let (dimensions, batchSize, count) = Self.counts[index]
    #expect(TensorType(dimensions).elementCount(batchSize: batchSize) == count)
  }
}
