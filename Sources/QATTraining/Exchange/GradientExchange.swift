import QATCommunication
import QATData
import QATEngine
import QATGraph

/// How gradients, batch statistics and the trailer are summed over ranks.
public struct GradientExchange: Sendable, Hashable {
  /// Who decides the order in which ranks are added.
  public enum Order: Sendable, Hashable {
    /// The MPI library: fast; the same bits from run to run, but others for another number of ranks.
    case library
    /// `SumTree`: the same bits for every number of ranks that share the same micro-batches.
    case tree
  }

  /// Who decides the order of additions.
  public var order: Order
  /// In what form gradients travel. Half of the bytes need the library's order: what is rounded before it travels depends on the ranks.
  public var precision: GradientPrecision
  /// Parameters whose gradients travel as they are in any case.
  public var exact: Set<TensorName>
  /// Who updates which parameters; nil when every rank updates all.
  public var shards: ParameterShards?

  /// An exchange.
  public init(order: Order = .library, precision: GradientPrecision = .float32, exact: Set<TensorName> = [], shards: ParameterShards? = nil) {
    precondition(order == .library || precision == .float32, "an exchange in the tree's order carries float32")
    self.order = order
    self.precision = precision
    self.exact = exact
    self.shards = shards
  }

  /// The exchange that a configuration asks for.
  /// - Parameters:
  ///   - configuration: the run's configuration.
  ///   - graph: the network, with the quantizers whose gradients travel as they are.
  ///   - state: its parameters.
  ///   - rankCount: number of ranks.
  public init(_ configuration: RunConfiguration, graph: Graph, state: ModelState, rankCount: Int) {
    let count = state.parameters.count
    self.init(
      order: configuration.reproducibleShards == nil ? .library : .tree, precision: configuration.gradientPrecision, exact: graph.quantizerParameters,
      shards: configuration.optimizer.isSharded && rankCount > 1
        ? ParameterShards(parameterCount: count, trailingCount: state.reduced.count - count, rankCount: rankCount) : nil)
  }

  /// The collectives of all buckets, in their order. All ranks prepare them together.
  func collectives(
    over buckets: GradientBuckets, local: LocalSums, of state: ModelState, partition: BatchPartition, _ communicator: any Communicator
  ) throws -> [any PreparedCollective] {
    switch precision {
    case .bfloat16: try compressed(buckets, state, communicator)
    case .float32 where order == .tree || shards != nil: try segmented(buckets, local, state, partition, communicator)
    case .float32: try buckets.ranges.map { try communicator.preparedSum(of: UnsafeMutableBufferPointer(rebasing: state.reduced.elements[$0])) }
    }
  }

  private func segmented(
    _ buckets: GradientBuckets, _ local: LocalSums, _ state: ModelState, _ partition: BatchPartition, _ communicator: any Communicator
  ) throws -> [any PreparedCollective] {
    let size = communicator.size
    // In the library's order every rank holds one sum.
    let library = SumTree.ofLibrary(rankCount: size)
    let tree = order == .library ? library.tree : SumTree(leafCount: partition.microBatchCount)
    let blocks = order == .library ? library.blocks.map { [$0] } : (0..<size).map { SumTree.blocks(of: partition.microBatches(ofRank: $0)) }
    var previous: SegmentedSum?
    return try buckets.ranges.enumerated().map { index, range in
      let sum = try SegmentedSum(
        local.sums, blocks: blocks, tree: tree, segments: Segments(range, rankCount: size),
        gathers: shards == nil || index == buckets.ranges.count - 1, after: previous, communicator)
      previous = sum
      return sum
    }
  }

  private func compressed(_ buckets: GradientBuckets, _ state: ModelState, _ communicator: any Communicator) throws -> [any PreparedCollective] {
    let kept = state.parameterSlots.filter { exact.contains($0.name) }.map(\.range)
    var previous: CompressedSum?
    let sums = try buckets.ranges.dropLast().map { range in
      let sum = try CompressedSum(
        state.reduced.elements, segments: Segments(range, rankCount: communicator.size), keeping: kept, gathers: shards == nil, after: previous,
        communicator)
      previous = sum
      return sum
    }
    return sums + [try PackedSum(state.reduced.elements, pieces: kept + buckets.ranges.suffix(1), communicator)]
  }
}

extension Graph {
  /// The ranges of fake quantizers among the constants.
  var quantizerParameters: Set<TensorName> {
    Set(nodes.filter { $0.op is FakeQuantize }.flatMap { $0.inputs.dropFirst() })
  }
}
