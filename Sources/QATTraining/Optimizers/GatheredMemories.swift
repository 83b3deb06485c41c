import QATCommunication
import QATEngine
import QATTensor

/// What an optimizer remembers of all parameters, where rank 0 can save it: the optimizer's own memories, or copies to which all ranks bring their shares.
final class GatheredMemories {
  /// A name and one value an element of the flat parameters. Where there are shards: on rank 0 only, as of the last `gather`.
  let memories: [(name: String, values: AlignedBuffer<Float>)]
  private let optimizer: any Optimizer
  private let shards: ParameterShards?
  private let communicator: any Communicator

  /// Room for the memories.
  /// - Parameters:
  ///   - optimizer: this rank's optimizer.
  ///   - shards: who moves which parameters; nil when every rank moves all.
  ///   - parameterCount: number of parameters.
  ///   - communicator: the ranks.
  init(of optimizer: any Optimizer, _ shards: ParameterShards?, parameterCount: Int, _ communicator: any Communicator) {
    self.optimizer = optimizer
    self.shards = shards
    self.communicator = communicator
    memories =
      shards == nil
      ? optimizer.memories : communicator.isRoot ? optimizer.memories.map { ($0.name, AlignedBuffer(count: parameterCount)) } : []
  }

  /// Brings the shares of all ranks to rank 0; the others hold no more than one share besides their own at a time. All ranks call it after the same step.
  /// Does nothing without shards.
  /// - Throws: the communicator's error.
  func gather() throws {
    guard let shards else { return }
    for (index, memory) in optimizer.memories.enumerated() {
      for rank in 0..<communicator.size {
        let share = shards.share(ofRank: rank)
        let part = rank == communicator.rank ? memory.values : AlignedBuffer<Float>(count: share.count)
        try communicator.broadcast(UnsafeMutableRawBufferPointer(part.elements), from: rank)
        guard communicator.isRoot else { continue }
        for piece in share.pieces {
          (memories[index].values.pointer + piece.range.lowerBound).update(from: part.pointer + piece.offset, count: piece.range.count)
        }
      }
    }
  }
}
