import QATData
import QATTensor
import Testing

@Suite("The order of samples")
struct SampleOrderTests {
  @Test("an epoch visits every sample once", arguments: [0, 1, 2, 7, 1000], [0, 1, 99])
  func permutation(count: Int, epoch: Int) {
    let order = SampleOrder(count: count, seed: 42, epoch: epoch)
    #expect((0..<count).map { order[$0] }.sorted() == Array(0..<count))
  }

  @Test("the order is Fisher and Yates's shuffle by the key (seed, order, epoch)")
  func definition() {
    let key = RandomKey(seed: 8, purpose: .order, 5)
    var expected = Array(0..<20)
    for place in (1..<20).reversed() { expected.swapAt(place, key.integer(below: place + 1, at: place)) }
    let order = SampleOrder(count: 20, seed: 8, epoch: 5)
    #expect((0..<20).map { order[$0] } == expected)
  }

  @Test("the same seed and epoch give the same order, another seed or epoch another")
  func keys() {
    func order(_ seed: UInt64, _ epoch: Int) -> [Int] {
      let order = SampleOrder(count: 100, seed: seed, epoch: epoch)
      return (0..<100).map { order[$0] }
    }
    #expect(order(1, 0) == order(1, 0))
    #expect(Set([order(1, 0), order(1, 1), order(1, 2), order(2, 0), order(1 << 40, 0)]).count == 5)
  }

  /// Over 6000 seeds each of the 6 orders of three samples is expected 1000 times, with a standard deviation of 29.
  @Test("every order is equally likely")
  func uniform() {
    var counts: [[Int]: Int] = [:]
    for seed in 0..<6000 {
      let order = SampleOrder(count: 3, seed: UInt64(seed), epoch: 0)
      counts[[order[0], order[1], order[2]], default: 0] += 1
    }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 150 })
  }
}
