import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATQuantization

/// A run on its way to its first step: what it is of, its folder, and the checkpoint that it goes on from. `Model.fit` and `qat train` begin with it.
///
/// The folder is the run's as long as this lives.
public struct OpenedRun {
  /// The fp32 network that the run starts from.
  public let source: Graph
  /// How it is trained.
  public let configuration: RunConfiguration
  /// Samples to learn from.
  public let training: any Dataset
  /// Samples to evaluate; nil for no evaluation.
  public let validation: (any Dataset)?
  /// Where checkpoints and metrics go; nil for nowhere.
  public let directory: CheckpointDirectory?
  /// The checkpoint that the run goes on from; nil where it begins.
  public let loaded: CheckpointDirectory.Loaded?
  private let identity: RunIdentity
  private let allowed: Set<AllowedChange>
  private let communicator: any Communicator
  /// On rank 0.
  private let lock: DirectoryLock?

  /// Takes the folder and finds the checkpoint. All ranks do so together.
  /// - Parameters:
  ///   - source: the fp32 network.
  ///   - configuration: how it is trained; its values are checked already.
  ///   - training: samples to learn from.
  ///   - validation: samples to evaluate; nil for no evaluation.
  ///   - directory: the run's folder; nil for none.
  ///   - takesLock: whether the folder is taken even when another run seems to hold it.
  ///   - resume: which checkpoint to go on from, and in what the run may differ from it; nil to begin.
  ///   - communicator: the ranks.
  ///   - taken: called on rank 0 when the folder is this run's.
  ///   - warn: receives, on rank 0, one sentence about each checkpoint that was passed over.
  /// - Throws: `TrainingError` on every rank when the folder cannot be written or is another run's, or when the checkpoint is of another run.
  public init(
    of source: Graph, _ configuration: RunConfiguration, training: any Dataset, validation: (any Dataset)?, in directory: CheckpointDirectory?,
    takesLock: Bool = false, resume: (choice: CheckpointDirectory.Choice, allowed: Set<AllowedChange>)?, _ communicator: any Communicator,
    taken: () -> Void = {}, warn: (String) -> Void = { _ in }
  ) throws {
    self.source = source
    self.configuration = configuration
    self.training = training
    self.validation = validation
    self.directory = directory
    self.communicator = communicator
    let identity = RunIdentity(model: source, configuration: configuration, dataset: training, validation: validation)
    self.identity = identity
    allowed = resume?.allowed ?? []
    lock = try communicator.together {
      guard communicator.isRoot, let directory else { return nil }
      let lock = try directory.lock(isForced: takesLock)
      try directory.prepare()
      taken()
      return lock
    }
    loaded = try resume.flatMap {
      try directory?.load($0.choice, identity: identity, allowing: $0.allowed, communicator: communicator, warn: warn)
    }
  }

  /// Notes in the folder what the run starts with: `run.json` and `model.onnx`. All ranks call it together; rank 0 writes.
  /// - Parameters:
  ///   - versions: versions of programs besides the engine's, by name.
  ///   - writeModel: writes the fp32 network to a path.
  /// - Throws: `TrainingError` on every rank when the folder holds another run's checkpoints, or when a file cannot be written.
  public func note(versions: [String: String] = [:], writeModel: (_ path: String) throws -> Void) throws {
    try communicator.together {
      guard communicator.isRoot, let directory else { return }
      let versions = versions.merging(["engine": EngineEnvironment.description]) { own, _ in own }
      try directory.begin(
        RunRecord(configuration: configuration, versions: versions, rankCount: communicator.size), resuming: loaded, writeModel: writeModel)
    }
  }

  /// What a `Trainer` is given. The network before it was quantized is there as the teacher where the configuration asks for one.
  /// - Parameters:
  ///   - graph: the network that is trained, quantized or not.
  ///   - state: its parameters.
  ///   - controller: the quantizers' controller; nil for an fp32 network.
  /// - Returns: the task, without callbacks and without a goal.
  public func task(graph: Graph, state: ModelState, controller: CompressionController?) -> Trainer.Task {
    var task = Trainer.Task(
      graph: graph, state: state, training: training, validation: validation, configuration: configuration, controller: controller,
      directory: directory, identity: identity)
    task.allowed = allowed
    if configuration.nncf.distillation != nil || configuration.metrics.contains(.agreement) { task.teacher = source }
    return task
  }
}
