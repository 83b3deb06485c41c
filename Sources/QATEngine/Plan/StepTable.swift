/// The steps of a plan's two passes and the buffers of its arena, as numbers: who reads and fills what, and what may be made a second time.
struct StepTable {
  /// The steps of the forward pass, then those of the backward pass.
  let steps: [Step]
  /// How many of them belong to the forward pass.
  let forwardCount: Int
  /// The buffers of the arena that some step uses.
  let buffers: [PlanBuffer]
  /// For each step the buffers whose contents it needs.
  let reads: [[Int]]
  /// For each step the buffers it fills.
  let writes: [[Int]]
  /// For each step the buffers whose contents begin with it: which it is the first to fill, and does not read.
  let beginnings: [[Int]]
  /// For each buffer the steps that fill it, in order.
  let writers: [[Int]]
  /// For each buffer whether the forward steps that fill it may run again in the backward pass, for the same bytes.
  let isRemakeable: [Bool]
  /// For each buffer whether its contents are not kept for the backward pass in any case, and could be made again: what only the forward pass reads.
  let isForgotten: [Bool]
  /// What each step costs.
  let costs: [Double]

  init(forward: [Step], backward: [Step], buffers all: [PlanBuffer]) {
    let steps = forward + backward
    let used = Set(steps.flatMap { $0.reads + $0.writes }.map(ObjectIdentifier.init))
    let buffers = all.filter { used.contains(ObjectIdentifier($0)) }
    let numbers = Dictionary(uniqueKeysWithValues: buffers.enumerated().map { (ObjectIdentifier($1), $0) })
    func places(_ list: [PlanBuffer]) -> [Int] { Array(Set(list.compactMap { numbers[ObjectIdentifier($0)] })).sorted() }
    self.steps = steps
    self.buffers = buffers
    forwardCount = forward.count
    reads = steps.map { places($0.reads) }
    writes = steps.map { places($0.writes) }
    costs = steps.map(\.cost)
    var readers = [[Int]](repeating: [], count: buffers.count)
    var writers = readers
    for step in steps.indices {
      for buffer in reads[step] { readers[buffer].append(step) }
      for buffer in writes[step] { writers[buffer].append(step) }
    }
    self.writers = writers
    beginnings = steps.indices.map { [reads, writes] step in writes[step].filter { writers[$0].first == step && !reads[step].contains($0) } }
    // Contents that are complete before anyone looks at them, and that the backward pass leaves alone: whoever reads them again sees the same.
    let isSettled = buffers.indices.map { buffer in
      guard let first = writers[buffer].first, let last = writers[buffer].last, last < forward.count else { return false }
      return readers[buffer].allSatisfy { $0 > last || ($0 > first && writers[buffer].contains($0)) }
    }
    let isRepeatable = forward.indices.map { [reads, writes] step in
      steps[step].isRepeatable && steps[step].writes.allSatisfy(\.isInArena) && (reads[step] + writes[step]).allSatisfy { isSettled[$0] }
        // Of several steps that fill one buffer together none may fill another, which would then be made by some of them only.
        && writes[step].allSatisfy { writers[$0].count == 1 || writes[step].count == 1 }
    }
    isRemakeable = writers.map { !$0.isEmpty && $0.allSatisfy { $0 < forward.count && isRepeatable[$0] } }
    isForgotten = zip(isRemakeable, readers).map { $0 && ($1.last ?? 0) < forward.count }
  }

  /// The cost of both passes.
  var cost: Double { costs.reduce(0, +) }

  /// The cost of the forward pass.
  var forwardCost: Double { costs[..<forwardCount].reduce(0, +) }
}
