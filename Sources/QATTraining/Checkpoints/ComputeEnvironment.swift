import QATEngine

/// What a run computes with. Only the same gives the same bits.
public struct ComputeEnvironment: Sendable, Hashable, Codable {
  /// oneDNN's version and the instruction set it uses.
  public var engine: String
  /// Threads of each rank.
  public var threadCount: Int
  /// Number of ranks; nil when results do not depend on it.
  public var rankCount: Int?

  /// This process's.
  /// - Parameter rankCount: number of ranks; nil when results do not depend on it.
  public init(rankCount: Int? = nil) {
    engine = EngineEnvironment.description
    threadCount = EngineEnvironment.threadCount
    self.rankCount = rankCount
  }

  /// In what this differs from another, in words.
  /// - Parameter saved: what a checkpoint was written with.
  /// - Returns: one clause a difference; none when the same bits can be promised.
  public func differences(from saved: ComputeEnvironment) -> [String] {
    func count(_ number: Int?) -> String { number.map { "\($0)" } ?? "any number of" }
    return [
      (engine != saved.engine, "this is \(engine), it was \(saved.engine)"),
      (threadCount != saved.threadCount, "each rank has \(threadCount) threads, it had \(saved.threadCount)"),
      (rankCount != saved.rankCount, "there are \(count(rankCount)) ranks, there were \(count(saved.rankCount))"),
    ].filter(\.0).map(\.1)
  }
}
