import QATGraph

/// What changes from run to run of a plan and steps read while they run.
final class PlanRun {
  /// Seed of the run's random numbers.
  var seed: UInt64 = 0
  /// Number of the training step.
  var step: UInt64 = 0
  /// Index of the batch's first sample in the global batch.
  var firstSample = 0
  /// Who looks at tensors as soon as they are computed; nil for nobody.
  var observer: Plan.Observer?
}
