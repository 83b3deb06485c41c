import QAT

/// Where the time of one training step goes, by kind of work.
struct StepProfile {
  private let kernels: [StepRecorder.Span]
  private let stepCount: Int
  private let peak: Double

  /// A profile of noted steps, whose kernels' names are a kind of work and the node's name.
  /// - Parameters:
  ///   - spans: what a recorder noted.
  ///   - peak: float32 operations that the threads compute in a second where nothing waits for memory.
  init(_ spans: [StepRecorder.Span], peak: Double) {
    self.peak = peak
    kernels = spans.filter { $0.kind == .kernel }
    stepCount = max(spans.count { $0.kind == .step }, 1)
  }

  /// Kinds of work, the longest first: how often in a step, how long, how much memory and arithmetic a second, and the latter's share of the peak in float32, which products of
  /// integers, and those that Winograd's filtering saves, may exceed.
  var text: String {
    let kinds = Dictionary(grouping: kernels) { $0.name.split(separator: " ").dropLast().joined(separator: " ") }.mapValues(Sum.init)
    let total = Sum(kernels)
    let steps = Double(stepCount)
    var table = TextTable(["work", "times", "milliseconds", "share", "GB/s", "GOP/s", "of peak"])
    for (kind, sum) in kinds.sorted(by: { ($1.value.seconds, $0.key) < ($0.value.seconds, $1.key) }) {
      table.add([
        kind, "\(sum.count / stepCount)", Numbers.fixed(sum.seconds / steps * 1000, 2), Numbers.percent(sum.seconds / max(total.seconds, 1e-12)),
        Numbers.fixed(sum.rate(sum.byteCount), 1), sum.operationCount > 0 ? Numbers.fixed(sum.rate(sum.operationCount), 1) : "–",
        sum.operationCount > 0 ? Numbers.percent(sum.rate(sum.operationCount) * 1e9 / peak) : "–",
      ])
    }
    return table.text + "\npeak of float32 in registers: \(Numbers.fixed(peak / 1e9, 1)) GFLOP/s"
  }

  /// Kernels together.
  private struct Sum {
    let count, byteCount, operationCount: Int
    let seconds: Double

    init(_ kernels: [StepRecorder.Span]) {
      count = kernels.count
      byteCount = kernels.reduce(0) { $0 + $1.byteCount }
      operationCount = kernels.reduce(0) { $0 + $1.operationCount }
      seconds = kernels.reduce(0) { $0 + $1.seconds }
    }

    /// Billions a second.
    func rate(_ amount: Int) -> Double { Double(amount) / 1e9 / max(seconds, 1e-9) }
  }
}
