/// One thing a plan does, with everything prepared: running it allocates nothing.
class Step {
  /// What it computes, for profiles and messages: operator and node.
  let label: String
  /// Buffers whose contents it needs.
  let reads: [PlanBuffer]
  /// Buffers it fills.
  let writes: [PlanBuffer]

  init(label: String, reads: [PlanBuffer], writes: [PlanBuffer]) {
    self.label = label
    self.reads = reads
    self.writes = writes
  }

  /// Called once, when all buffers have their place.
  func bind() throws(EngineError) {}

  /// Does it.
  func run() {}
}

/// A step over one of our own loops.
final class KernelStep: Step {
  private let body: () -> Void

  init(_ label: String, reads: [PlanBuffer], writes: [PlanBuffer], body: @escaping () -> Void) {
    self.body = body
    super.init(label: label, reads: reads, writes: writes)
  }

  override func run() { body() }
}
