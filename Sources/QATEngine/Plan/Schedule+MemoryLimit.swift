extension Schedule {
  /// How much of a step's time may go into what is computed twice where no limit of memory asks for more, as estimated.
  static let spentShare = 0.02

  /// The order of steps for a limit of memory: the cheapest that was found whose arena is no larger. Without a limit the one of the smallest arena for which no
  /// more than `spentShare` of a step is computed twice.
  /// - Parameters:
  ///   - table: the steps.
  ///   - limit: in bytes; one that is large enough keeps everything that the backward pass reads.
  /// - Returns: the order, where its buffers lie, and what it costs.
  /// - Throws: `MemoryLimitError` when no such order was found.
  static func fitting(_ table: StepTable, within limit: Int?) throws -> (schedule: Schedule, layout: ArenaLayout, cost: Recomputation) {
    let complete = Schedule(table, dropping: [Bool](repeating: false, count: table.buffers.count))
    let unlimited = ArenaLayout(table, complete)
    var result = (schedule: complete, layout: unlimited)
    if unlimited.byteCount > limit ?? 0, table.forwardCount < table.steps.count {
      let search = ScheduleSearch(table, complete)
      let found = limit.map { search.schedule(within: $0) ?? search.least() } ?? search.least(spending: Self.spentShare * table.cost)
      if let found, found.layout.byteCount < unlimited.byteCount { result = found }
    }
    if let limit, result.layout.byteCount > limit {
      throw MemoryLimitError(limit: limit, least: result.layout.byteCount, unlimited: unlimited.byteCount)
    }
    return (result.schedule, result.layout, Recomputation(table, result.schedule, unlimitedByteCount: unlimited.byteCount))
  }
}

/// The search for what not to keep.
///
/// What is made again is chosen by its size over what making it costs, as long as the steps that exceed the limit come closer to it and no step exceeds it
/// for it: so a chain of steps that run again together ends where it would need as much memory as it frees. Then whatever turned out not to be needed is kept
/// after all, the most expensive first. References: Chen et al. 2016, arXiv:1604.06174; Kirisame et al. 2021, arXiv:2006.09616, for the ratio.
private struct ScheduleSearch {
  typealias Result = (schedule: Schedule, layout: ArenaLayout)

  /// A buffer that may be made again, and the steps of the table between which it is then not kept.
  private struct Candidate {
    let buffer: Int
    let gap: Range<Int>
  }

  private let table: StepTable
  private let complete: Schedule
  /// In the order in which they are tried.
  private let candidates: [Candidate]

  init(_ table: StepTable, _ complete: Schedule) {
    self.table = table
    self.complete = complete
    let gaps = Self.gaps(table)
    let least = (complete.loads.max() ?? 0) / 2000
    let buffers = table.buffers.indices.filter { table.isRemakeable[$0] && !gaps[$0].isEmpty && table.buffers[$0].byteCount > least }
    let merits = buffers.map { Double(table.buffers[$0].byteCount) / max(Schedule.cost(ofMaking: $0, table), 1) }
    // Of equals the one that is not kept the longest.
    candidates = buffers.indices.sorted { (merits[$1], buffers[$0]) < (merits[$0], buffers[$1]) }.map {
      Candidate(buffer: buffers[$0], gap: gaps[buffers[$0]])
    }
  }

  /// For each buffer the steps after its last use in the forward pass and before its first one in the backward pass.
  private static func gaps(_ table: StepTable) -> [Range<Int>] {
    var lower = [Int](repeating: 0, count: table.buffers.count)
    var upper = [Int](repeating: -1, count: table.buffers.count)
    for step in table.steps.indices {
      for buffer in table.reads[step] + table.writes[step] {
        if step < table.forwardCount { lower[buffer] = step + 1 } else if upper[buffer] < 0 { upper[buffer] = step }
      }
    }
    return zip(lower, upper).map { $0..<max($0, $1) }
  }

  /// A schedule whose arena fits, if one is found: buffers leave gaps between them, so less than the limit may have to be aimed at.
  func schedule(within limit: Int) -> Result? {
    var target = limit
    for _ in 0..<8 {
      guard let found = schedule(loading: target) else { return nil }
      if found.layout.byteCount <= limit { return found }
      target -= max(found.layout.byteCount - limit, limit / 100)
    }
    return nil
  }

  /// The schedule of the smallest arena that is found in which what is computed twice costs no more than `budget`.
  func least(spending budget: Double = .infinity) -> Result? {
    var best: Result?
    // No step does with less than what it reads and writes itself.
    var infeasible =
      table.steps.indices.map { step in
        Set(table.reads[step] + table.writes[step]).reduce(0) { $0 + table.buffers[$1].arenaByteCount }
      }.max() ?? 0
    var feasible = complete.loads.max() ?? 0
    while feasible - infeasible > feasible / 100 {
      let target = (feasible + infeasible) / 2
      guard let found = schedule(loading: target, spending: budget) else {
        infeasible = target
        continue
      }
      feasible = target
      if found.layout.byteCount < best?.layout.byteCount ?? .max { best = found }
    }
    return best
  }

  /// A schedule in which no more than `limit` bytes are in use at any time.
  private func schedule(loading limit: Int, spending budget: Double = .infinity) -> Result? {
    var dropped = [Bool](repeating: false, count: table.buffers.count)
    var schedule = complete
    var excess = schedule.excess(over: limit)
    var (progresses, isSpent) = (true, false)
    while excess > 0, progresses, !isSpent {
      progresses = false
      Self.inPortions(candidates.filter { !dropped[$0.buffer] }) { portion in
        guard excess > 0, !isSpent else { return true }
        let helpful = portion.filter { candidate in schedule.loads[candidate.gap].contains { $0 > limit } }
        if helpful.isEmpty { return true }
        for candidate in helpful { dropped[candidate.buffer] = true }
        let trial = Schedule(table, dropping: dropped)
        let trialExcess = trial.excess(over: limit)
        let isTooMuch = trial.repeatedCost(table) > budget
        if !isTooMuch, trialExcess < excess, zip(trial.loads, schedule.loads).allSatisfy({ $0 <= max(limit, $1) }) {
          (schedule, excess, progresses) = (trial, trialExcess, true)
          return true
        }
        for candidate in helpful { dropped[candidate.buffer] = false }
        isSpent = isTooMuch && helpful.count == 1
        return helpful.count == 1
      }
    }
    guard excess == 0 else { return nil }
    Self.inPortions(candidates.reversed().filter { dropped[$0.buffer] }) { portion in
      for candidate in portion { dropped[candidate.buffer] = false }
      let trial = Schedule(table, dropping: dropped)
      if trial.excess(over: limit) == 0 {
        schedule = trial
        return true
      }
      for candidate in portion { dropped[candidate.buffer] = true }
      return portion.count == 1
    }
    return (schedule, ArenaLayout(table, schedule))
  }

  /// Hands on candidates in order, as many at a time as `settle` takes at once: twice as many after a portion that it settled, half of one that it did not.
  private static func inPortions(_ candidates: [Candidate], _ settle: (ArraySlice<Candidate>) -> Bool) {
    var rest = candidates[...]
    var count = 1
    while !rest.isEmpty {
      let portion = rest.prefix(count)
      if settle(portion) {
        rest = rest.dropFirst(portion.count)
        count = 2 * portion.count
      } else {
        count = max(portion.count / 2, 1)
      }
    }
  }
}

extension Schedule {
  /// What the steps that run again cost.
  func repeatedCost(_ table: StepTable) -> Double { repeated.reduce(0) { $0 + table.costs[$1] } }

  /// The steps that run again.
  var repeated: [Int] { zip(order, purposes).filter { $0 != $1 }.map(\.0) }

  /// By how many bytes all steps together exceed a limit.
  fileprivate func excess(over limit: Int) -> Int { loads.reduce(0) { $0 + max($1 - limit, 0) } }
}
