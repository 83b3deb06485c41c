import Dispatch

/// Notes what some training steps do, and when: each step, in it its phases, and in these the kernels of the plans that hold the recorder.
///
/// Used from the thread that trains. A step that is not noted costs a comparison for each kernel.
public final class StepRecorder {
  /// Something that takes time. Spans of the training thread lie in each other or apart.
  public struct Span: Sendable, Hashable {
    /// What takes the time.
    public enum Kind: Sendable, Hashable {
      /// A whole step.
      case step
      /// A part of a step, as the forward pass.
      case phase
      /// A kernel of a plan: what it computes, and the node's name.
      case kernel
      /// The reading of a batch by threads of its own into the memory of this number: one batch at a time has it.
      case reading(memory: Int)
    }

    /// What takes the time.
    public var kind: Kind
    /// What it is, for people.
    public var name: String
    /// When it begins, in nanoseconds since the first step that is noted.
    public var start: Int
    /// When it ends, likewise.
    public var end: Int
    /// Of a kernel: the bytes of all tensors that it reads or writes.
    public var byteCount = 0
    /// Of the kernel of a convolution or matrix product: its multiplications and additions.
    public var operationCount = 0

    /// Its seconds.
    public var seconds: Double { Double(end - start) / 1e9 }

    /// A span.
    public init(_ kind: Kind, _ name: String, start: Int, end: Int, byteCount: Int = 0, operationCount: Int = 0) {
      (self.kind, self.name, self.start, self.end) = (kind, name, start, end)
      (self.byteCount, self.operationCount) = (byteCount, operationCount)
    }
  }

  /// What was noted, in the order in which it began; readings come where they were handed over.
  public private(set) var spans: [Span] = []
  /// Steps that were noted.
  public private(set) var stepCount = 0
  private var skipped: Int
  private var remaining: Int
  private let whenDone: (StepRecorder) throws -> Void
  private var origin: UInt64 = 0
  private var step: Int?
  private var phase: Int?
  private var isDone = false

  /// A recorder of the first steps that it sees.
  /// - Parameters:
  ///   - steps: how many are noted.
  ///   - skipped: how many go by first.
  ///   - whenDone: takes what was noted, once, behind the last noted step.
  public init(steps: Int, after skipped: Int = 0, whenDone: @escaping (StepRecorder) throws -> Void = { _ in }) {
    (remaining, self.skipped, self.whenDone) = (steps, skipped, whenDone)
  }

  /// Whether the current step is noted.
  public var isRecording: Bool { step != nil }

  /// Lets fewer steps go by first, where so few are left that some would not be noted.
  public func fit(stepsLeft: Int) { skipped = max(0, min(skipped, stepsLeft - remaining)) }

  /// A step begins.
  /// - Parameters:
  ///   - number: its number, counted from 1.
  ///   - barrier: called before the first step that is noted; returns at the same moment on all ranks, from which their spans are counted.
  /// - Throws: what `barrier` throws.
  public func beginStep(_ number: Int, barrier: () throws -> Void = {}) rethrows {
    if skipped > 0 {
      skipped -= 1
    } else if remaining > 0 {
      if spans.isEmpty {
        try barrier()
        origin = DispatchTime.now().uptimeNanoseconds
      }
      remaining -= 1
      stepCount += 1
      step = open(.step, "step \(number)")
    }
  }

  /// A phase of the step begins, and the one before ends.
  public func begin(phase name: @autoclosure () -> String) {
    guard isRecording else { return }
    if let phase { spans[phase].end = now }
    phase = open(.phase, name())
  }

  /// The step ends, and with it its last phase.
  /// - Throws: what `whenDone` throws.
  public func endStep() throws {
    guard let step else { return }
    if let phase { spans[phase].end = now }
    spans[step].end = now
    (self.step, phase) = (nil, nil)
    if remaining == 0 { try finish() }
  }

  /// Nothing more will be noted: hands over what there is, unless that was done.
  /// - Throws: what `whenDone` throws.
  public func finish() throws {
    guard !isDone, !spans.isEmpty else { return }
    (isDone, remaining) = (true, 0)
    try whenDone(self)
  }

  /// Notes that a batch was read, at times of the system's clock that never goes back, in nanoseconds. What lies before the first noted step is left out.
  public func note(reading name: @autoclosure () -> String, memory: Int, from start: UInt64, to end: UInt64) {
    guard isRecording, end > origin else { return }
    spans.append(Span(.reading(memory: memory), name(), start: Int(max(start, origin) - origin), end: Int(end - origin)))
  }

  /// Runs a kernel.
  func run(_ kernel: Step) {
    guard isRecording else { return kernel.run() }
    let start = now
    kernel.run()
    spans.append(Span(.kernel, kernel.label, start: start, end: now, byteCount: kernel.byteCount, operationCount: kernel.operationCount))
  }

  private var now: Int { Int(DispatchTime.now().uptimeNanoseconds - origin) }

  private func open(_ kind: Span.Kind, _ name: String) -> Int {
    let start = now
    spans.append(Span(kind, name, start: start, end: start))
    return spans.count - 1
  }
}
