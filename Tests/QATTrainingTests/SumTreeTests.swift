import Testing

@testable import QATTraining

@Suite("The tree of a sum")
struct SumTreeTests {
  @Test("a range of leaves is cut into its largest whole subtrees")
  func blocks() {
    #expect(SumTree.blocks(of: 0..<8) == [0..<8])
    #expect(SumTree.blocks(of: 1..<7) == [1..<2, 2..<4, 4..<6, 6..<7])
    #expect(SumTree.blocks(of: 2..<5) == [2..<4, 4..<5])
    #expect(SumTree.blocks(of: 0..<6) == [0..<4, 4..<6])
    #expect(SumTree.blocks(of: 3..<3).isEmpty)
  }

  /// Which leaves were added to which, written as text.
  private func shape(_ leafCount: Int, cutAt cuts: [Int], home: Int) -> String {
    let bounds = [0] + cuts + [leafCount]
    let blocks = zip(bounds, bounds.dropFirst()).flatMap { SumTree.blocks(of: $0..<$1) }
    func text(_ leaves: Range<Int>) -> String {
      if leaves.count == 1 { return "\(leaves.lowerBound)" }
      let half = leaves.lowerBound + leaves.count / 2
      return "(\(text(leaves.lowerBound..<half))+\(text(half..<leaves.upperBound)))"
    }
    var sums = blocks.map(text)
    for addition in SumTree(leafCount: leafCount).additions(of: blocks, home: home) {
      let (into, from) = (sums[addition.into], sums[addition.from])
      // Adding is commutative: the text has the lower leaf on the left.
      func first(_ text: String) -> Int { Int(text.drop { $0 == "(" }.prefix { $0.isNumber }) ?? -1 }
      sums[addition.into] = first(into) < first(from) ? "(\(into)+\(from))" : "(\(from)+\(into))"
    }
    return sums[home]
  }

  @Test("the library adds the ranks beyond a power of two in pairs first")
  func ofLibrary() {
    #expect(SumTree.ofLibrary(rankCount: 4).blocks == [0..<2, 2..<4, 4..<6, 6..<8])
    #expect(SumTree.ofLibrary(rankCount: 5).blocks == [0..<1, 1..<2, 2..<4, 4..<6, 6..<8])
    #expect(SumTree.ofLibrary(rankCount: 7).blocks == [0..<1, 1..<2, 2..<3, 3..<4, 4..<5, 5..<6, 6..<8])
    for count in 1...9 { #expect(SumTree.ofLibrary(rankCount: count).tree.leafCount == SumTree.ofLibrary(rankCount: count).blocks.last?.upperBound) }
  }

  @Test("however the leaves are dealt and wherever the sum ends, the tree is the same")
  func oneShape() {
    for (count, cuts) in [(8, [2, 5]), (8, [1, 2, 3, 4, 5, 6, 7]), (8, [4]), (8, [3])] {
      for home in 0..<cuts.count + 1 { #expect(shape(count, cutAt: cuts, home: home) == "(((0+1)+(2+3))+((4+5)+(6+7)))") }
    }
    for cuts in [[2, 4], [1, 3], [5], [3]] { #expect(shape(6, cutAt: cuts, home: 1) == "(((0+1)+(2+3))+(4+5))") }
    for cuts in [[2, 4], [1, 3], [3]] { #expect(shape(5, cutAt: cuts, home: 2) == "(((0+1)+(2+3))+4)") }
  }
}
