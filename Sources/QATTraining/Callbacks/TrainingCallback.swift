import QATEngine
import QATQuantization

/// Watches a run, and may end it: what is logged, shown or decided beside the training itself. Each hook has a default that does nothing.
///
/// Every rank calls its callbacks, on the training thread, in the order in which they were given; what writes files does so where `trainer.communicator.isRoot`. The trainer
/// tells where the run stands: `step`, `position`, `history`, and in `task` the model's state and the controller, whose `statistics()` are those of the moment.
/// An error that a hook throws on one rank ends the run on all.
///
/// A run that goes on from a checkpoint has new callbacks: whoever remembers something finds it in `trainer.history`.
public protocol TrainingCallback: AnyObject {
  /// A run begins, or goes on: nothing has been trained yet by this process.
  func trainingBegan(_ trainer: Trainer) throws
  /// An epoch begins, counted from 0: stages have been entered, no step has been done.
  func epochBegan(_ epoch: Int, _ trainer: Trainer) throws
  /// A step has ended. Called in every step, so that it should allocate nothing; it calls no collectives.
  func stepEnded(_ report: StepReport, _ trainer: Trainer)
  /// The validation data were evaluated.
  func evaluated(_ report: EvaluationReport, _ trainer: Trainer) throws
  /// An epoch has ended and was evaluated; its checkpoint follows.
  func epochEnded(_ report: EpochReport, _ trainer: Trainer) throws
  /// A checkpoint is complete on the disk, in the folder `path`. Called on rank 0 only, at the first step after that: checkpoints are written while training goes on.
  func checkpointWritten(_ path: String, _ trainer: Trainer)
  /// The run has ended as planned, early or on request. Not called when it ends in an error.
  func trainingEnded(_ result: TrainingResult, _ trainer: Trainer) throws

  /// Whether the run is to end now. Asked before the first step and after each epoch; one rank that says so ends the run on all, with a checkpoint.
  func wantsToStop(_ trainer: Trainer) -> Bool
  /// The learning rate of the steps of an epoch, instead of the schedule's. The same on every rank, and a function of its arguments alone, so that resuming changes nothing.
  /// - Parameters:
  ///   - rate: the schedule's rate, or what the callback before made of it.
  ///   - epoch: the epoch, counted from 0.
  /// - Returns: the rate to use.
  func learningRate(_ rate: Double, inEpoch epoch: Int) -> Double
  /// The trainer tells the user something in a sentence: a stage that begins, a step that was skipped, a checkpoint that could not be written.
  func noted(_ message: String)
}

extension TrainingCallback {
  /// Nothing.
  public func trainingBegan(_ trainer: Trainer) {}
  /// Nothing.
  public func epochBegan(_ epoch: Int, _ trainer: Trainer) {}
  /// Nothing.
  public func stepEnded(_ report: StepReport, _ trainer: Trainer) {}
  /// Nothing.
  public func evaluated(_ report: EvaluationReport, _ trainer: Trainer) {}
  /// Nothing.
  public func epochEnded(_ report: EpochReport, _ trainer: Trainer) {}
  /// Nothing.
  public func checkpointWritten(_ path: String, _ trainer: Trainer) {}
  /// Nothing.
  public func trainingEnded(_ result: TrainingResult, _ trainer: Trainer) {}
  /// Goes on.
  public func wantsToStop(_ trainer: Trainer) -> Bool { false }
  /// The rate as it is.
  public func learningRate(_ rate: Double, inEpoch epoch: Int) -> Double { rate }
  /// Nothing.
  public func noted(_ message: String) {}
}

/// What a step has come to; the same on every rank but for the times.
public struct StepReport: Sendable, Hashable {
  /// Number of the step, counted from 1 over the whole run.
  public var step: Int
  /// The epoch that it belongs to, counted from 0.
  public var epoch: Int
  /// Mean loss over the samples of all ranks.
  public var loss: Double
  /// The knowledge distillation's part of it; nil without one.
  public var distillation: Double?
  /// The learning rate that it used.
  public var rate: Double
  /// Fraction of its samples whose class scored highest; nil when labels are not looked at.
  public var top1: Double?
  /// Samples a second over all ranks.
  public var imagesPerSecond: Double
  /// Its wall-clock seconds on this rank.
  public var seconds: Double
  /// The part of them in which this rank had nothing left to do but wait for others.
  public var exposedSeconds: Double
}

/// An evaluation of the network in training; the same on every rank.
public struct EvaluationReport: Sendable, Hashable {
  /// What was found.
  public var evaluation: Evaluation
  /// Steps done.
  public var step: Int
  /// The epoch that the last of them belongs to, counted from 0.
  public var epoch: Int
  /// Number of epochs of the run.
  public var epochs: Int
}

/// An epoch that has ended.
public struct EpochReport: Sendable, Hashable {
  /// The epoch, counted from 0.
  public var epoch: Int
  /// Steps done since the run's beginning.
  public var step: Int
  /// The evaluation after it; nil when the run has no validation data.
  public var evaluation: Evaluation?
}
