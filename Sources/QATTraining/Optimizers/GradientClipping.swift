import CVectorKernels
import QATCommunication
import QATEngine
import QATTensor

/// Shortens the gradient of a step to a largest length.
///
/// The norm is that of all parameters' gradients after they were summed over ranks; those of parameters that rest are zero. Squares are added in double along one balanced tree
/// (`SumTree`) whose leaves are cache lines of gradients, so that it has the same bytes whoever adds which part: where each rank has the sums of its own share only, ranks exchange
/// their whole subtrees, some dozens of numbers. The factor is PyTorch's, limit / (norm + 10⁻⁶). Reference: Pascanu et al. 2013, arXiv:1211.5063.
package final class GradientClipping {
  /// Gradients of a leaf.
  private static let line = 16

  private let state: ModelState
  private let communicator: (any Communicator)?
  /// This rank's share: what it sums and shortens.
  private let share: ParameterShare
  /// Its whole subtrees, as ranges of parameters.
  private let blocks: [Range<Int>]
  /// Their sums of squares.
  private let own: AlignedBuffer<Double>
  /// Those of all ranks, in rank order, as many places for each.
  private let all: AlignedBuffer<Double>
  private let additions: [SumTree.Addition]
  /// Where the sum of all ends.
  private let home: Int

  /// Prepares the sums; all ranks do so together.
  /// - Parameters:
  ///   - state: where the summed gradients are.
  ///   - shards: which rank has which sums; nil when every rank has all.
  ///   - communicator: the ranks.
  package init(of state: ModelState, _ shards: ParameterShards? = nil, _ communicator: (any Communicator)? = nil) {
    let (count, line) = (state.parameters.count, Self.line)
    let shares = shards.map { shards in (0..<(communicator?.size ?? 1)).map(shards.share(ofRank:)) } ?? [ParameterShare([0..<count])]
    self.state = state
    self.communicator = shares.count > 1 ? communicator : nil
    let rank = shares.count > 1 ? communicator?.rank ?? 0 : 0
    share = shares[rank]
    let subtrees = shares.map { share in
      share.pieces.flatMap { piece in
        precondition(piece.range.lowerBound % line == 0, "a share begins within a line")
        return SumTree.blocks(of: piece.range.lowerBound / line..<(piece.range.upperBound + line - 1) / line)
      }
    }
    blocks = subtrees[rank].map { $0.lowerBound * line..<min($0.upperBound * line, count) }
    let stride = subtrees.map(\.count).max() ?? 0
    own = AlignedBuffer(count: stride)
    all = AlignedBuffer(count: stride * shares.count)
    // The tree counts blocks from left to right, whoever has them.
    let ordered = subtrees.enumerated().flatMap { rank, blocks in blocks.enumerated().map { (block: $1, place: rank * stride + $0) } }
      .sorted { $0.block.lowerBound < $1.block.lowerBound }
    home = ordered.first?.place ?? 0
    additions =
      ordered.isEmpty
      ? []
      : SumTree(leafCount: (count + line - 1) / line).additions(of: ordered.map(\.block), home: 0).map {
        .init(from: ordered[$0.from].place, into: ordered[$0.into].place)
      }
  }

  /// Clips. All ranks call it together; it allocates nothing.
  /// - Parameter limit: the largest norm.
  /// - Returns: the norm before; the same on every rank.
  /// - Throws: the communicator's error.
  @discardableResult
  package func apply(limit: Double) throws -> Double {
    for (index, block) in blocks.enumerated() { own[index] = qat_sum_of_squares(state.reduced.pointer + block.lowerBound, block.count) }
    if let communicator {
      try communicator.allgather(UnsafeBufferPointer(own.elements), into: all.elements)
    } else {
      _ = all.elements.update(fromContentsOf: own.elements)
    }
    for addition in additions { all[addition.into] += all[addition.from] }
    let norm = all.count > 0 ? all[home].squareRoot() : 0
    let factor = limit / (norm + 1e-6)
    if factor < 1 {
      for piece in share.pieces { qat_scale_values(state.reduced.pointer + piece.range.lowerBound, piece.range.count, Float(factor)) }
    }
    return norm
  }
}
