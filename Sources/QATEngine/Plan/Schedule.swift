/// In which order the steps of a plan run, and when each buffer of the arena holds something, if some buffers are not kept for the backward pass but made
/// again by the steps that filled them, right before they are first read there.
///
/// A step runs again at most once: what it has made then stays for as long as it is read. Where it reads what has not been kept either, that is made before it.
struct Schedule {
  /// A time in which a buffer's contents matter.
  struct Span {
    let buffer: Int
    /// Places in `order`.
    let range: ClosedRange<Int>
  }

  /// The steps' numbers in the order in which they run.
  let order: [Int]
  /// The number of the step for which each of them runs: its own, or that of the step that waits for what it makes again.
  let purposes: [Int]
  /// When the buffers' contents matter.
  let spans: [Span]
  /// For each step of the table the most bytes in use while it runs, or what runs again for it.
  let loads: [Int]

  /// The order in which what is not kept is made again.
  /// - Parameters:
  ///   - table: the steps.
  ///   - dropped: for each buffer whether it is made again; only where that is possible.
  init(_ table: StepTable, dropping dropped: [Bool]) {
    var order = Array(0..<table.forwardCount)
    var purposes = order
    // What only the forward pass reads is never kept.
    var isMissing = zip(table.isForgotten, dropped).map { $0 || $1 }
    for step in table.forwardCount..<table.steps.count {
      if table.reads[step].contains(where: { isMissing[$0] }) {
        for repeated in Self.requirements(of: table.reads[step], table, &isMissing) {
          order.append(repeated)
          purposes.append(step)
        }
      }
      order.append(step)
      purposes.append(step)
    }
    spans = Self.spans(table, order)
    var changes = [Int](repeating: 0, count: order.count + 1)
    for span in spans {
      changes[span.range.lowerBound] += table.buffers[span.buffer].arenaByteCount
      changes[span.range.upperBound + 1] -= table.buffers[span.buffer].arenaByteCount
    }
    var loads = [Int](repeating: 0, count: table.steps.count)
    var load = 0
    for (place, purpose) in purposes.enumerated() {
      load += changes[place]
      loads[purpose] = max(loads[purpose], load)
    }
    (self.order, self.purposes, self.loads) = (order, purposes, loads)
  }

  /// What the steps cost that run again when one buffer alone is made again.
  static func cost(ofMaking buffer: Int, _ table: StepTable) -> Double {
    var isMissing = table.isForgotten
    isMissing[buffer] = true
    return requirements(of: [buffer], table, &isMissing).reduce(0) { $0 + table.costs[$1] }
  }

  /// The steps that run again so that what is in `buffers` is there.
  private static func requirements(of buffers: [Int], _ table: StepTable, _ isMissing: inout [Bool]) -> [Int] {
    var open = buffers
    var again: Set<Int> = []
    while let buffer = open.popLast() {
      guard isMissing[buffer] else { continue }
      for writer in table.writers[buffer] where again.insert(writer).inserted {
        for made in table.writes[writer] { isMissing[made] = false }
        open += table.reads[writer].filter { isMissing[$0] }
      }
    }
    // The order of the forward pass is one in which everything finds what it reads.
    return again.sorted()
  }

  /// Goes through the steps from the last to the first: contents matter from the step that begins to fill a buffer to the last one that reads it.
  private static func spans(_ table: StepTable, _ order: [Int]) -> [Span] {
    var spans: [Span] = []
    var first = [Int](repeating: 0, count: table.buffers.count)
    var last = [Int](repeating: -1, count: table.buffers.count)
    func use(_ buffer: Int, _ place: Int) {
      if last[buffer] < 0 { last[buffer] = place }
      first[buffer] = place
    }
    for (place, step) in order.enumerated().reversed() {
      for buffer in table.writes[step] { use(buffer, place) }
      for buffer in table.beginnings[step] {
        spans.append(Span(buffer: buffer, range: place...last[buffer]))
        last[buffer] = -1
      }
      for buffer in table.reads[step] { use(buffer, place) }
    }
    for buffer in table.buffers.indices where last[buffer] >= 0 { spans.append(Span(buffer: buffer, range: first[buffer]...last[buffer])) }
    return spans
  }
}
