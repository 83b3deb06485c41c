import CWatching

/// What a rank said of itself last.
struct Whereabouts: Hashable {
  var step = 0
  var phase = Int32(qat_phase_starting)
  /// The MPI function it is in.
  var call: String?
  /// Seconds without progress when it said so.
  var age = 0.0
  /// Seconds that its phase may last; 0 for the usual.
  var limit = 0.0

  /// This process, now.
  static var own: Whereabouts {
    var activity = qat_activity()
    qat_activity_read(&activity)
    return Whereabouts(
      step: Int(activity.step), phase: activity.phase, call: activity.call.map { String(cString: $0) },
      age: activity.since == 0 ? 0 : Double(qat_now() - activity.since) / 1e9, limit: Double(activity.limit) / 1e9)
  }

  /// Whether it cannot go on alone.
  var isWaiting: Bool { call != nil || phase == qat_phase_exchanging }

  /// As in "step 812, backward pass".
  var text: String {
    let place = step > 0 ? "step \(step), \(phaseName)" : phaseName
    guard isWaiting, phase != qat_phase_exchanging, let call else { return place }
    return "\(place), in \(MPICommunicator.words(for: call))"
  }

  /// What it waits for, as in "the gradient sum of step 812".
  var waitText: String {
    let what = phase == qat_phase_exchanging ? "the gradient sum" : MPICommunicator.words(for: call ?? "")
    return what + (step > 0 ? " of step \(step)" : "") + (phase == qat_phase_exchanging ? "" : " (\(phaseName))")
  }

  private var phaseName: String { String(cString: qat_phase_name(phase)) }
}

extension Whereabouts {
  /// What a message says.
  init(_ beat: qat_beat) {
    let call = withUnsafeBytes(of: beat.call) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    self.init(
      step: Int(beat.step), phase: beat.phase, call: call.isEmpty ? nil : call, age: Double(beat.age) / 1e9, limit: Double(beat.limit) / 1e9)
  }

  /// A message that says this.
  func beat(run: UInt64, rank: Int, kind: Int, exitCode: Int32 = 0) -> qat_beat {
    var beat = qat_beat()
    beat.run = run
    beat.rank = Int32(rank)
    beat.kind = Int32(kind)
    beat.step = Int64(step)
    beat.age = Int64(age * 1e9)
    beat.limit = Int64(limit * 1e9)
    beat.phase = phase
    beat.exit_code = exitCode
    withUnsafeMutableBytes(of: &beat.call) { $0.dropLast().copyBytes(from: Array((call ?? "").utf8.prefix($0.count - 1))) }
    return beat
  }
}
