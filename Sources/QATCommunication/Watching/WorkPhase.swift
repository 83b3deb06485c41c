import CWatching

/// What this process is doing, for the watchdog and for messages about failures. Noting it costs a few stores and one reading of the clock, and allocates nothing.
public enum WorkPhase: Int32, Sendable, CaseIterable {
  /// Before anything else.
  case starting
  /// Configuration, model and data are being opened.
  case opening
  /// Quantizers and batch norm are being initialised from samples.
  case calibrating
  /// The plans are being made.
  case compiling
  /// Waiting for the threads that read samples.
  case reading
  /// A step's forward pass and loss.
  case forward
  /// A step's backward pass.
  case backward
  /// Waiting for the sum of the gradients.
  case exchanging
  /// A step's update.
  case updating
  /// Samples are being evaluated.
  case evaluating
  /// A checkpoint is being written.
  case saving
  /// A model is being written.
  case exporting
  /// All is done; the other ranks may not be ready.
  case ending

  /// Seconds that the phase may legitimately last without a sign of progress, however short the run's stall timeout is; 0 for no more than that.
  var patience: Double {
    switch self {
    case .opening, .calibrating, .compiling, .saving, .exporting: 3600
    case .starting, .reading, .forward, .backward, .exchanging, .updating, .evaluating, .ending: 0
    }
  }

  /// What the process does in this phase, in a few words.
  public var words: String { String(cString: qat_phase_name(rawValue)) }

  /// Seconds that this process has spent in the phase, up to the beginning of the present one.
  public var seconds: Double { Double(qat_activity_time(rawValue)) / 1e9 }

  /// Notes that this process now does this.
  public func begin() { qat_activity_begin(rawValue, Int64(patience * 1e9)) }

  /// Runs `body` in this phase, and returns to the phase before.
  /// - Parameter body: the work.
  /// - Returns: what the body returns.
  /// - Throws: what the body throws.
  public func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    var activity = qat_activity()
    qat_activity_read(&activity)
    begin()
    defer { qat_activity_begin(activity.phase, activity.limit) }
    return try body()
  }

  /// Notes that the phase has moved on: another batch, another layer.
  public static func progress() { qat_activity_progress() }

  /// Notes that a training step begins.
  /// - Parameter step: its number, counted from 1.
  public static func beginStep(_ step: Int) { qat_activity_begin_step(Int64(step)) }
}
