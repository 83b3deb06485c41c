import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATQuantization
import QATTensor
import QATTraining

/// A network with its parameters, to be run, trained, quantized and saved: what `torch.nn.Module` and `keras.Model` are to a training script.
///
/// `createCompressedModel` makes a quantized one of it, which is used in the same way. Used from one thread.
public final class Model {
  /// The network, with quantizers where it is compressed, and the values it started from. `trainedGraph` has the current ones.
  public var graph: Graph { controller?.graph ?? source }
  /// Parameters and running statistics.
  public let state: ModelState
  /// The quantizers' controller; nil for a model that is not compressed.
  public let controller: CompressionController?
  /// What training minimises and evaluations measure; the cross-entropy of classes unless set. Its `ignoreIndex` is heeded by `fit` and `evaluate`: in a loop of one's own every label is a class.
  public var criterion = LossConfiguration.crossEntropy
  /// What the model's file said of itself, such as the normalisation of pixels, and of a compressed model the configuration's fingerprint: `export` says it again.
  public var metadata: [String: String] { controller?.metadata ?? fileMetadata }
  /// The network without quantizers.
  let source: Graph
  private let fileMetadata: [String: String]
  /// What the model was compressed by.
  let config: NNCFConfig
  private var plan: (key: PlanKey, plan: Plan)?
  private var pass: (key: PlanKey, pass: TrainingPass)?
  private var stageEpoch: Int?

  /// What a compiled network depends on.
  private struct PlanKey: Equatable {
    var batchSize: Int
    var setup: UInt64?
    var kinds: Set<QuantizationPoint.Kind>?
    /// What a training step minimises, and what its samples say of the output; nil for none.
    var criterion: LossConfiguration?
    var target: SampleTarget?
    var seed: UInt64?
  }

  /// A model of a network.
  /// - Throws: `GraphError` when the graph is none.
  public convenience init(_ graph: Graph) throws { try self.init(source: graph.validated(), controller: nil, config: NNCFConfig()) }

  init(source: Graph, controller: CompressionController?, config: NNCFConfig, fileMetadata: [String: String] = [:]) throws {
    self.source = source
    self.fileMetadata = fileMetadata
    self.controller = controller
    self.config = config
    state = try ModelState(controller?.graph ?? source)
    controller?.attach(state)
  }

  /// Reads a model file.
  /// - Parameters:
  ///   - path: path of the file, whose name says its format.
  ///   - inputShapes: shapes of inputs whose sizes the file leaves open, by name.
  /// - Returns: the model.
  /// - Throws: `TrainingError` when the name says no format; the format's error.
  public static func load(_ path: String, inputShapes: [TensorName: [Dimension]] = [:]) throws -> Model {
    let file = try ModelFormat.of(path).read(path, inputShapes: inputShapes)
    return try Model(source: file.graph.validated(), controller: nil, config: NNCFConfig(), fileMetadata: file.metadata)
  }

  /// The network with its current values and the quantizers that are at work.
  /// - Throws: `QuantizationError` when the quantizers do not fit the network.
  public func trainedGraph() throws -> Graph {
    let values = state.applied(to: graph)
    return try controller?.activeGraph(values) ?? values
  }

  /// Runs the network on samples, in evaluation mode.
  /// - Parameter inputs: a tensor for each input, by name; the first dimension counts samples, alike in all.
  /// - Returns: the outputs by name, of float32.
  /// - Throws: `TrainingError` naming an input that is missing or has another shape; what the engine throws.
  public func predict(_ inputs: [TensorName: Tensor]) throws -> [TensorName: Tensor] {
    let count = try batchSize(of: inputs)
    let plan = try evaluationPlan(batchSize: count)
    for input in graph.inputs {
      guard let tensor = inputs[input.name] else { continue }
      _ = plan.input(input.name).update(fromContentsOf: tensor.floats ?? tensor.integers?.map(Float.init) ?? [])
    }
    plan.forward()
    let types = try graph.tensorTypes(batchSize: count)
    return Dictionary(
      uniqueKeysWithValues: graph.outputs.map { name in
        (name, Tensor(Array(plan.output(name)), shape: types[name]?.shape(batchSize: count) ?? [plan.output(name).count]))
      })
  }

  /// Runs a network with one input and one output, in evaluation mode.
  /// - Parameter input: the samples, [N, ...].
  /// - Returns: the output, [N, ...].
  /// - Throws: `TrainingError` when the network has several, or the shape is another one.
  public func predict(_ input: Tensor) throws -> Tensor {
    guard graph.inputs.count == 1, graph.outputs.count == 1, let output = try predict([graph.inputs[0].name: input])[graph.outputs[0]] else {
      throw TrainingError(
        .input,
        "the network '\(graph.name)' has the inputs \(graph.inputs.map(\.name)) and the outputs \(graph.outputs): give predict the inputs by name")
    }
    return output
  }

  /// Evaluates the network on classes. All ranks call it together.
  /// - Parameter data: samples with classes; what is random is left out.
  /// - Returns: accuracies and loss, the same on every rank.
  /// - Throws: what `QATTraining.evaluate` throws.
  public func evaluate(_ data: DataLoader) throws -> Evaluation {
    try QATTraining.evaluate(
      trainedGraph(), state: state, dataset: data.dataset, preprocessing: data.preprocessing, batchSize: data.batchSize,
      loss: makeLoss(target: data.dataset.target, smooths: false))
  }

  /// The criterion as a loss of this network on targets of some kind.
  func makeLoss(target: SampleTarget, smooths: Bool) throws -> any OutputLoss {
    var configuration = RunConfiguration()
    configuration.loss = criterion
    return try configuration.makeLoss(of: graph, target: target, smooths: smooths)
  }

  private func batchSize(of inputs: [TensorName: Tensor]) throws -> Int {
    let count = inputs.values.first?.shape.first ?? 0
    var faults = inputs.keys.filter { name in !graph.inputs.contains { $0.name == name } }.sorted().map { "there is no input '\($0)'" }
    for input in graph.inputs {
      guard let tensor = inputs[input.name] else {
        faults.append("the input '\(input.name)' \(input.type) is missing")
        continue
      }
      if tensor.shape != input.type.shape(batchSize: count) || tensor.floats == nil && tensor.integers == nil || count == 0 {
        faults.append("the input '\(input.name)' is \(input.type), found \(tensor.elementType) \(tensor.shape)")
      }
    }
    guard faults.isEmpty else { throw TrainingError(.input, "the network '\(graph.name)' cannot run: " + faults.joined(separator: "; ")) }
    return count
  }

  private func planKey(batchSize: Int) -> PlanKey {
    PlanKey(batchSize: batchSize, setup: controller?.setup.fingerprint, kinds: controller?.scheduler.enabledKinds)
  }

  private func evaluationPlan(batchSize: Int) throws -> Plan {
    let key = planKey(batchSize: batchSize)
    if let plan, plan.key == key { return plan.plan }
    let compiled = try Plan(trainedGraph(), state: state, batchSize: batchSize, mode: .evaluation)
    plan = (key, compiled)
    return compiled
  }

  /// The pieces of a training step with batches of a size, compiled anew when the quantizers at work have changed. Where a stage of quantization begins, ranges are found anew.
  func trainingPass(for batch: Batch) throws -> TrainingPass {
    if let controller, controller.scheduler.beginsStage, stageEpoch != controller.scheduler.state.currentEpoch {
      stageEpoch = controller.scheduler.state.currentEpoch
      try controller.initializeRanges(state)
    }
    var key = planKey(batchSize: batch.count)
    (key.criterion, key.target, key.seed) = (criterion, batch.samples.target, batch.seed)
    if let pass, pass.key == key { return pass.pass }
    let made = try TrainingPass(
      trainedGraph(), state: state, controller: controller, objective: makeLoss(target: batch.samples.target, smooths: true), batchSize: batch.count,
      seed: batch.seed, firstStep: pass?.pass.step ?? 0, communicator: currentCommunicator())
    pass = (key, made)
    return made
  }

  /// The pass whose loss was computed last.
  func currentPass() throws -> TrainingPass {
    guard let pass = pass?.pass else {
      throw TrainingError(.input, "the model has computed no loss yet: an optimizer's step() follows model.loss(batch) and its backward()")
    }
    return pass
  }
}
