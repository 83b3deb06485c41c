/// The balanced binary tree in which the parts of a sum are added: ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)), what is missing on the right left out.
///
/// Leaves are the micro-batches of a step, or lines of parameters where a norm is taken. Whoever holds neighbouring leaves adds them up to whole subtrees; the shape of the tree, and so every
/// rounding, depends on the number of leaves alone. Adding is commutative, so it does not matter which of two operands is the left one.
struct SumTree: Sendable, Hashable {
  /// Number of leaves.
  let leafCount: Int

  /// The largest whole subtrees of a range of leaves, from left to right: aligned blocks of a power of two leaves.
  static func blocks(of leaves: Range<Int>) -> [Range<Int>] {
    var blocks: [Range<Int>] = []
    var start = leaves.lowerBound
    while start < leaves.upperBound {
      var size = 1
      while start % (2 * size) == 0, start + 2 * size <= leaves.upperBound { size *= 2 }
      blocks.append(start..<start + size)
      start += size
    }
    return blocks
  }

  /// The tree over ranks that hold one number each, as the MPI library adds them by the algorithm that we set: of p ranks the first 2r are added in pairs, r being
  /// what p exceeds a power of two by, and then all in a balanced tree.
  ///
  /// Source: Rabenseifner's algorithm in Open MPI 4's libnbc (Rabenseifner 2004, "Optimization of Collective Reduction Operations").
  /// - Parameter rankCount: number of ranks.
  /// - Returns: the tree, and the whole subtree of it that each rank holds.
  static func ofLibrary(rankCount: Int) -> (tree: SumTree, blocks: [Range<Int>]) {
    var power = 1
    while 2 * power <= rankCount { power *= 2 }
    let paired = 2 * (rankCount - power)
    let blocks = (0..<rankCount).map { $0 < paired ? $0..<$0 + 1 : 2 * $0 - paired..<2 * $0 - paired + 2 }
    return (SumTree(leafCount: 2 * power), blocks)
  }

  /// One addition of the number at place `from` to the number at place `into`.
  struct Addition: Sendable, Hashable {
    var from: Int
    var into: Int
  }

  /// The additions that make one number of many blocks.
  /// - Parameters:
  ///   - blocks: whole subtrees that together hold every leaf once, from left to right. Their places are their positions here.
  ///   - home: the place where the sum ends.
  /// - Returns: the additions in their order.
  func additions(of blocks: [Range<Int>], home: Int) -> [Addition] {
    precondition(blocks.reduce(into: 0) { $0 = $1.lowerBound == $0 ? $1.upperBound : -1 } == leafCount, "\(blocks) are not \(leafCount) leaves")
    let places = Dictionary(uniqueKeysWithValues: blocks.enumerated().map { ($1, $0) })
    var additions: [Addition] = []
    func sum(_ start: Int, _ size: Int) -> Int? {
      guard start < leafCount else { return nil }
      if let place = places[start..<min(start + size, leafCount)] { return place }
      guard let left = sum(start, size / 2) else { return nil }
      guard let right = sum(start + size / 2, size / 2) else { return left }
      let addition = right == home ? Addition(from: left, into: right) : Addition(from: right, into: left)
      additions.append(addition)
      return addition.into
    }
    var size = 1
    while size < leafCount { size *= 2 }
    let end = sum(0, size)
    precondition(end == home, "the sum ends at \(end ?? -1), not at \(home)")
    return additions
  }
}
