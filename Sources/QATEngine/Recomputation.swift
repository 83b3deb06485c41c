/// What saves a plan's memory, and what that costs: steps of the forward pass that run a second time in the backward pass, because what they made was not kept.
public struct Recomputation: Sendable, Hashable {
  /// Size of the plan's memory if nothing ran twice, in bytes.
  public let unlimitedByteCount: Int
  /// How much of the forward pass runs twice, in [0, 1], estimated from the products and the passes over memory.
  public let forwardShare: Double
  /// How many steps of each kind run twice.
  public let kinds: [String: Int]

  init(_ table: StepTable, _ schedule: Schedule, unlimitedByteCount: Int) {
    self.unlimitedByteCount = unlimitedByteCount
    let repeated = schedule.repeated
    forwardShare = repeated.isEmpty ? 0 : schedule.repeatedCost(table) / max(table.forwardCost, 1)
    kinds = repeated.reduce(into: [:]) { $0[table.steps[$1].kind, default: 0] += 1 }
  }
}

/// A limit below what a plan can do with.
public struct MemoryLimitError: Error, Hashable, CustomStringConvertible {
  /// The limit in bytes.
  public let limit: Int
  /// The smallest memory that was found to be enough, in bytes.
  public let least: Int
  /// The memory that the plan takes if nothing is computed twice, in bytes.
  public let unlimited: Int

  /// One sentence: the limit, and what is needed.
  public var description: String {
    "a plan within \(limit) bytes of memory was asked for; this network needs \(least) at least for a batch of this size, and \(unlimited) to compute "
      + "nothing twice"
  }
}
