import QATEngine
import QATGraph
import QATQuantization

extension Trainer {
  /// The network with its trained values, or their moving average where there is one, without the quantizers whose stage the run has not reached.
  /// - Throws: `QuantizationError` when the quantizers do not fit the network.
  public func trainedGraph() throws -> Graph {
    func applied() -> Graph { task.state.applied(to: task.controller?.graph ?? task.graph) }
    return try quantizing(average?.withAverages(applied) ?? applied())
  }

  /// Begins an epoch: quantizers whose stage begins are enabled, after all ranges were found anew from the weights as they are; what is to freeze freezes.
  /// All ranks call it together.
  /// - Throws: what finding ranges and compiling throw.
  func beginEpoch(_ epoch: Int) throws {
    task.controller?.scheduler.epochStep(epoch)
    guard let controller = task.controller, controller.scheduler.beginsStage else {
      try enter(epoch)
      return try callbacks.epochBegan(epoch, self)
    }
    let kinds = controller.scheduler.enabledKinds.map(\.plural).sorted().joined(separator: " and ")
    callbacks.noted("from epoch \(epoch + 1) on, \(kinds) are quantized; ranges are found anew")
    try controller.initializeRanges(task.state)
    average?.restart(controller.graph.quantizerParameters)
    phase = nil
    try enter(epoch)
    try callbacks.epochBegan(epoch, self)
  }

  /// Compiles the plans for the phase of an epoch, unless they are for it already.
  /// - Throws: what the engine throws.
  func enter(_ epoch: Int) throws {
    optimizer.weightDecay = task.configuration.optimizer.weightDecay(inEpoch: epoch)
    let next = NetworkPhase(epoch, task.configuration, task.controller?.scheduler)
    guard next != phase else { return }
    phase = next
    let quantized = try quantizing(task.controller?.graph ?? task.graph)
    let network = next.applied(to: quantized)
    let trained = network.trainedParameters
    optimizer.moving = optimizer.share.pieces(without: task.state.parameterSlots.filter { !trained.contains($0.name) }.map(\.range))
    numbers.graph = network
    // It holds the memory of the steps before.
    evaluator = nil
    try stepper.compile(network, movesStatistics: !next.freezesStatistics)
    evaluator = try task.validation.map {
      try Evaluator(
        quantized, state: task.state, dataset: $0, preprocessing: task.configuration.data.preprocessing, batchSize: task.configuration.batchSize,
        arithmetic: task.configuration.forward, communicator: communicator,
        loss: task.configuration.makeLoss(of: quantized, target: $0.target, smooths: false),
        options: task.configuration.loadingOptions, metrics: task.configuration.metrics, reference: task.teacher,
        sharingMemoryOf: stepper.plan)
    }
  }

  private func quantizing(_ values: Graph) throws -> Graph { try task.controller?.activeGraph(values) ?? values }
}
