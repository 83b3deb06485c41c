import QATEngine
import QATJSON
import QATQuantization

/// Everything that a configuration file says of a run: NNCF's keys, and beside them at the root what is trained, on what, and how.
///
/// See docs/configuration.md for every key. Flags of the command override what the file says: they set these properties.
public struct RunConfiguration: Sendable, Hashable {
  /// The model (`model`): path of a file, or the name of an architecture; nil when the command says it. A relative path is already resolved against the file's folder.
  public var model: String?
  /// Samples of one micro-batch (`batch_size`): of one rank in one step, unless there are accumulation steps or shards.
  public var batchSize = 64
  /// Micro-batches of a rank, or of a shard, in one step (`accumulation_steps`).
  public var accumulationSteps = 1
  /// Number of shards that stay the same whatever the number of ranks (`reproducible`); nil makes each rank one.
  public var reproducibleShards: Int?
  /// Passes over the training data (`epochs`); 0 quantizes without fine-tuning.
  public var epochs = 3
  /// Largest number of steps of the whole run (`max_steps`); nil leaves it to `epochs`.
  public var maxSteps: Int?
  /// The number from which all randomness comes (`seed`).
  public var seed: UInt64 = 0
  /// How parameters move (`optimizer`).
  public var optimizer = OptimizerConfiguration()
  /// What is read and how it is prepared (`data`).
  public var data = DataConfiguration()
  /// What training minimises besides what `compression` adds (`loss`).
  public var loss = LossConfiguration.crossEntropy
  /// What an evaluation measures besides top-1, top-5 and the loss (`metrics`). The first decides which evaluation is the best.
  public var metrics: [Metric] = []
  /// Share of the target that is spread evenly over all classes (`label_smoothing`), in [0, 1).
  public var labelSmoothing = 0.0
  /// Steps in a row whose loss or gradients are not finite that end the run (`max_nonfinite_steps`); fewer are skipped.
  public var maxNonFiniteSteps = 10
  /// Steps from one check to the next that all ranks still hold the same parameters (`divergence_check_every`); 0 for none.
  public var divergenceCheckEvery = 500
  /// Steps from one point of TensorBoard's curves to the next (`tensorboard_every`); 0 writes no events.
  public var tensorBoardEvery = 10
  /// Whose samples batch norm normalises together in training (`batch_norm`).
  public var batchNorm = BatchNormScope.local
  /// Epochs after which batch norm keeps its running statistics and normalises with them (`num_batch_norm_update_epochs`); nil for never.
  public var batchNormUpdateEpochs: Int?
  /// Epochs after which quantizers keep their ranges (`num_observer_update_epochs`); nil for never.
  public var observerUpdateEpochs: Int?
  /// Scopes of the nodes whose parameters are not trained (`frozen_layers`).
  public var frozenLayers: [String] = []
  /// In which arithmetic quantized layers run in the forward pass (`forward`).
  public var forward = ForwardArithmetic.integer
  /// The most memory that training takes on one rank, counted as in `TrainingMemory` (`memory_limit`); nil for no limit.
  public var memoryLimit: MemorySize?
  /// In what form gradients travel between ranks (`gradient_precision`).
  public var gradientPrecision = GradientPrecision.float32
  /// When checkpoints are written and which stay (`checkpoint`).
  public var checkpoint = CheckpointConfiguration()
  /// The inputs, the device and the compression.
  public var nncf = NNCFConfig()
  /// Keys of the file that have no effect, each with its place. Not saved.
  public var warnings: [String] = []

  /// The defaults, without compression.
  public init() {}

  /// Reads a configuration file.
  /// - Parameter path: path of a JSON file; comments and trailing commas are accepted.
  /// - Throws: every error of the file with line and JSON path, or why it is no JSON.
  public init(contentsOf path: String) throws(ConfigurationError) {
    let document: JSONDocument
    do { document = try JSONDocument.read(contentsOf: path) } catch { throw ConfigurationError(error) }
    try self.init(document: document)
  }

  /// Reads a parsed configuration.
  /// - Parameters:
  ///   - document: the configuration.
  ///   - folder: where relative paths start; nil stands for the folder of the document's file.
  /// - Throws: every error of the document with line and JSON path.
  public init(document: JSONDocument, folder: String? = nil) throws(ConfigurationError) {
    try self.init(document.root, file: document.file, folder: folder)
  }

  /// Reads an object of a parsed file, whose own folder relative paths start at when none is given.
  init(_ node: JSONNode, file: String, folder: String? = nil) throws(ConfigurationError) {
    self.init()
    var problems = ProblemList(file: file)
    Self.schema.read(node, into: &self, &problems)
    adoptStagedTraining(node, &problems)
    boundEpochs(node, &problems)
    try problems.throwErrors()
    warnings = problems.sortedWarnings.map(\.description)
    resolvePaths(against: folder ?? ConfigurationPath.folder(of: file))
  }

  /// The configuration as JSON with every default shown: what a run saves beside its results. Reads back as an equal configuration.
  public func resolvedJSON() -> JSONValue { Self.schema.write(self) }

  /// Checks the values again, after flags of a command have changed them.
  /// - Throws: every error, with JSON path.
  public func validate() throws(ConfigurationError) {
    let document: JSONDocument
    do { document = try JSONDocument.parse(resolvedJSON().text(), file: "the resolved configuration") } catch { throw ConfigurationError(error) }
    _ = try RunConfiguration(document: document, folder: "/")
  }
}
