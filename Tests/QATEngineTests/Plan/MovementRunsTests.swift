import QATGraph
import Testing

@testable import QATEngine

@Suite("Runs of a movement")
struct MovementRunsTests {
  /// Heads apart and tokens last, rows of a matrix, every other element backwards, a column as a row, one number everywhere.
  private static let movements: [(kernel: any MovementKernel, shape: [Int], runs: Int)] = [
    (Transpose(permutation: [0, 2, 1, 3]), [2, 5, 3, 4], 2 * 3 * 5), (Transpose(permutation: [0, 2, 3, 1]), [2, 5, 3, 4], 2 * 3 * 4),
    (Slice(axes: [2], starts: [4], ends: [8]), [2, 5, 12], 2 * 5), (Slice(axes: [1], starts: [-1], ends: [-100], steps: [-2]), [3, 7], 3),
    (Transpose(permutation: [1, 0]), [6, 1], 1), (Expand(shape: [.fixed(4), .fixed(6)]), [1, 1], 1),
  ]

  @Test("are as few as there are rows, and say where each element comes from", arguments: movements.indices)
  func fewAndTrue(index: Int) {
    let (kernel, shape, count) = Self.movements[index]
    let sources = kernel.sources([shape], batchSize: shape[0])
    let runs = MovementRuns(sources)
    #expect(runs.starts.count == count && runs.starts.count * runs.length == sources.count)
    let x = (0..<shape.reduce(1, *)).map { Float($0 + 1) }
    var y = [Float](repeating: .nan, count: sources.count)
    runs.move(x, to: &y, filling: 0.5)
    #expect(y == sources.map { $0 < 0 ? 0.5 : x[$0] })
    var (dx, expected) = ([Float](repeating: 0, count: x.count), [Float](repeating: 0, count: x.count))
    runs.addBack(y, to: &dx)
    for (value, place) in zip(y, sources) where place >= 0 { expected[place] += value }
    #expect(dx == expected)
  }

  @Test("of elements that come from nowhere hold the filling")
  func filling() {
    let runs = MovementRuns([-1, -1, 0, 1, 2, 3, -1, -1])
    #expect(runs.length == 2 && runs.starts == [-1, 0, 2, -1])
    var y = [Float](repeating: .nan, count: 8)
    runs.move([1, 2, 3, 4], to: &y, filling: 9)
    #expect(y == [9, 9, 1, 2, 3, 4, 9, 9])
  }
}
