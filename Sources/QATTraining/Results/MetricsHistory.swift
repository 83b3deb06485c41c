import QATJSON

/// What `metrics.jsonl` says of a run: its steps and its evaluations, in their order.
public struct MetricsHistory: Sendable, Hashable {
  /// One step.
  public struct Step: Sendable, Hashable {
    /// Its number, counted from 1.
    public var step: Int
    /// The epoch that it belongs to, counted from 0.
    public var epoch: Int
    /// Mean loss of its samples; nil when it was not finite.
    public var loss: Double?
    /// Fraction of its samples whose class scored highest; nil when labels are not looked at.
    public var top1: Double?
    /// Learning rate.
    public var rate: Double?
    /// Samples a second over all ranks.
    public var imagesPerSecond: Double?
    /// How long it took.
    public var seconds: Double?
    /// The part of it in which the rank waited for others.
    public var exposedSeconds: Double?
  }

  /// One evaluation.
  public struct Evaluation: Sendable, Hashable {
    /// How many steps were done.
    public var step: Int
    /// The epoch that it ended, counted from 0.
    public var epoch: Int
    /// What was found, by name: `top1`, `top5` (fractions), `loss` and others.
    public var metrics: [String: Double]
  }

  /// The steps.
  public var steps: [Step] = []
  /// The evaluations.
  public var evaluations: [Evaluation] = []

  /// Reads the log of a run.
  /// - Parameter path: the file; one that is missing says nothing.
  /// - Throws: `TrainingError` when it cannot be read.
  public init(contentsOf path: String) throws {
    self.init(text: FileSystem.exists(path) ? String(decoding: try FileSystem.read(path), as: UTF8.self) : "")
  }

  /// Reads the text of a log. Lines that are not understood are passed over: the last one may be half written.
  init(text: String) {
    for line in text.split(separator: "\n") {
      guard let entry = try? JSONDocument.parse(String(line), file: "metrics.jsonl").root, let step = entry["step"]?.number?.integer, step >= 0 else {
        continue
      }
      let epoch = entry["epoch"]?.number?.integer ?? 0
      func number(_ key: String) -> Double? { entry[key]?.number?.double }
      if let members = entry["validation"]?.members {
        let metrics = members.compactMap { member in member.value.number.map { (member.key, $0.double) } }
        evaluations.append(Evaluation(step: step, epoch: epoch, metrics: Dictionary(metrics, uniquingKeysWith: { first, _ in first })))
      } else {
        steps.append(
          Step(
            step: step, epoch: epoch, loss: number("loss"), top1: number("top1"), rate: number("lr"), imagesPerSecond: number("images_per_second"),
            seconds: number("step_seconds"), exposedSeconds: number("exposed_communication_seconds")))
      }
    }
  }
}
