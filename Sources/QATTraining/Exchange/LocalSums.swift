import CVectorKernels
import QATEngine
import QATTensor

/// Adds up the micro-batches of one rank along `SumTree`, in as few buffers as a binary counter has digits.
///
/// Each micro-batch leaves what it computed in `ModelState.reduced`. All but the last are put away as soon as they are there, added to their left neighbours
/// where a subtree is whole; the last stays where it is, and is completed piece by piece while its backward pass still runs. With one micro-batch nothing is
/// added, copied or allocated.
final class LocalSums {
  /// Leaves of each of the sums that remain after the last micro-batch, from left to right.
  let blocks: [Range<Int>]
  private let state: ModelState
  private let leaves: Range<Int>
  /// How many sums, from the right, are added to what is in `state.reduced` after each micro-batch.
  private let additions: [Int]
  private let pending: [AlignedBuffer<Float>]
  private var next = 0
  private var pendingCount = 0

  /// Room for the sums.
  /// - Parameters:
  ///   - state: where micro-batches leave their results.
  ///   - leaves: the micro-batches of this rank.
  ///   - addsUp: whether the last micro-batch is added to all that is left, although the rank holds no whole subtree: so that one sum remains.
  init(_ state: ModelState, leaves: Range<Int>, addsUp: Bool) {
    precondition(!leaves.isEmpty, "a rank without a micro-batch")
    self.state = state
    self.leaves = leaves
    var (stack, additions, deepest): ([Range<Int>], [Int], Int) = ([], [], 0)
    for leaf in leaves {
      let rest = SumTree.blocks(of: leaves.lowerBound..<leaf + 1)
      additions.append(leaf == leaves.upperBound - 1 && addsUp ? stack.count : stack.count + 1 - rest.count)
      stack = rest
      if leaf < leaves.upperBound - 1 { deepest = max(deepest, stack.count) }
    }
    blocks = addsUp ? [leaves] : stack
    self.additions = additions
    pending = (0..<deepest).map { _ in AlignedBuffer(count: state.reduced.count) }
  }

  /// Memory of what is put away.
  var byteCount: Int { pending.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.stride }

  /// Whether the micro-batch that is being computed is the step's last.
  var isAtLast: Bool { next == additions.count - 1 }

  /// Puts a micro-batch away that is not the last.
  func putAway() {
    precondition(!isAtLast, "the last micro-batch stays where it is")
    let count = additions[next]
    let target = pendingCount - count
    let reduced = state.reduced
    if count == 0 {
      _ = pending[target].elements.update(fromContentsOf: reduced.elements)
    } else {
      for index in stride(from: pendingCount - 1, to: target, by: -1) { qat_accumulate(reduced.count, pending[index].pointer, reduced.pointer) }
      qat_accumulate(reduced.count, reduced.pointer, pending[target].pointer)
    }
    pendingCount = target + 1
    next += 1
  }

  /// Adds to the elements `range` of the last micro-batch, which are final, what belongs to them.
  func complete(_ range: Range<Int>) {
    guard let count = additions.last, count > 0 else { return }
    for index in stride(from: pendingCount - 1, to: pendingCount - 1 - count, by: -1) {
      qat_accumulate(range.count, pending[index].pointer + range.lowerBound, state.reduced.pointer + range.lowerBound)
    }
  }

  /// The next micro-batch is the first of a step.
  func begin() { (next, pendingCount) = (0, 0) }

  /// The memory of the sums that remain, one for each of `blocks`.
  var sums: [UnsafeMutableBufferPointer<Float>] { pending[..<(blocks.count - 1)].map(\.elements) + [state.reduced.elements] }
}
