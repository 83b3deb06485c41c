/// One thing a plan does, with everything prepared: running it allocates nothing.
class Step {
  /// What it computes, for profiles and messages: operator and node.
  let label: String
  /// Buffers whose contents it needs.
  let reads: [PlanBuffer]
  /// Buffers it fills.
  let writes: [PlanBuffer]
  /// Multiplications and additions of a convolution or matrix product; 0 for everything else.
  var operationCount = 0
  /// Bytes of what it reads and writes.
  var byteCount: Int { (reads + writes).reduce(0) { $0 + $1.byteCount } }

  init(label: String, reads: [PlanBuffer], writes: [PlanBuffer]) {
    self.label = label
    self.reads = reads
    self.writes = writes
  }

  /// Called once, when all buffers have their place.
  func bind() throws(EngineError) {}

  /// Does it.
  func run() {}

  /// Whether running it once more, while what it reads is as it was, fills `writes` with the same bytes and changes nothing else.
  var isRepeatable: Bool { false }

  /// Roughly how long it takes, in nanoseconds of one core: a pass over memory, or its arithmetic. Only ratios matter.
  var cost: Double { max(Double(byteCount) / bytesPerNanosecond, Double(operationCount) / operationsPerNanosecond) }

  /// Roughly how fast it passes over memory on one core. Where it evaluates exponentials and the like, that takes longer than the passes: `expensivePass`.
  var bytesPerNanosecond = 16.0

  /// How fast exponentials and error functions make passes over memory.
  static let expensivePass = 6.0

  /// Roughly how fast its arithmetic is on one core.
  var operationsPerNanosecond: Double { 80 }

  /// The label without the node: what steps of one kind share, as in "codes" for "codes of NODE".
  var kind: String {
    let words = label.split(separator: " ").dropLast()
    return (words.last == "of" ? words.dropLast() : words).joined(separator: " ")
  }
}

/// A step over one of our own loops, which computes what it writes from what it reads.
final class KernelStep: Step {
  private let body: () -> Void
  /// Whether processes exchange something in it, so that all of them run it equally often.
  private let isOfAllProcesses: Bool

  init(_ label: String, reads: [PlanBuffer], writes: [PlanBuffer], isOfAllProcesses: Bool = false, body: @escaping () -> Void) {
    self.body = body
    self.isOfAllProcesses = isOfAllProcesses
    super.init(label: label, reads: reads, writes: writes)
  }

  override func run() { body() }

  override var isRepeatable: Bool { !isOfAllProcesses }
}
