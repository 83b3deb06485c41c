import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// Quantizes a network as an NNCF configuration says; without a `quantization` section the network stays as it is.
///
/// See `createCompressedModel(_:_:device:calibration:calibrationBatchSize:precision:communicator:compressionState:)`.
/// - Parameters:
///   - graph: a trained fp32 network.
///   - config: the configuration.
///   - calibration: samples for range initialisation and batch norm adaptation, the same list on every rank.
///   - calibrationBatchSize: samples in one calibration batch.
///   - precision: what HAWQ needs besides samples, where the configuration asks for it.
///   - communicator: the ranks; those of `withCommunicator` when nil. Their statistics are merged.
///   - compressionState: a saved state.
/// - Returns: the controller, which holds the quantized network.
/// - Throws: `QuantizationError`, `GraphError`, and what the samples or the communicator throw.
public func createCompressedModel(
  _ graph: Graph, _ config: NNCFConfig, calibration: (any BatchSource)?, calibrationBatchSize: Int = calibrationBatchSize,
  precision: PrecisionTask? = nil, communicator: (any Communicator)? = nil, compressionState: CompressionState? = nil
) throws -> CompressionController {
  let communicator = try communicator ?? currentCommunicator()
  if let quantization = config.quantization {
    return try createCompressedModel(
      graph, quantization, device: config.targetDevice, calibration: calibration, calibrationBatchSize: calibrationBatchSize,
      precision: precision, communicator: communicator, compressionState: compressionState)
  }
  if compressionState != nil {
    throw QuantizationError("a saved quantization is to be restored, but the configuration has no section with \"algorithm\": \"quantization\"")
  }
  return CompressionController(
    graph: graph, source: graph, setup: QuantizerSetup(), potential: .init(), memory: .init(), dataPath: .init(), warnings: [],
    communicator: communicator)
}

/// Quantizes a network: decides on the quantizers, initialises them from data, inserts them, adapts batch norm.
///
/// With `power_of_two_scales` the batch norms behind quantized layers go into these layers' weights and biases first: their factors are no powers of two.
///
/// Every rank calls it with the same arguments; every rank gets the same bytes, however many ranks there are. Before several ranks train the network together, they
/// call the controller's `distributed()`.
/// - Parameters:
///   - graph: a trained fp32 network.
///   - configuration: the `quantization` section.
///   - device: chooses the hardware table.
///   - calibration: samples for range initialisation and batch norm adaptation, the same list on every rank; nil leaves activations at their defaults.
///   - calibrationBatchSize: samples in one calibration batch, on whichever rank. Statistics that are defined per batch depend on it.
///   - precision: what HAWQ needs besides samples, where the configuration asks for it.
///   - communicator: the ranks; those of `withCommunicator` when nil. Their statistics are merged.
///   - compressionState: a saved state: its quantizers are inserted without initialisation; the tensors are then loaded by name. Samples serve stages to come.
/// - Returns: the controller, which holds the quantized network.
/// - Throws: `QuantizationError`, `GraphError`, and what the samples or the communicator throw.
public func createCompressedModel(
  _ graph: Graph, _ configuration: QuantizationConfiguration, device: TargetDevice, calibration: (any BatchSource)?,
  calibrationBatchSize: Int = calibrationBatchSize, precision: PrecisionTask? = nil, communicator: (any Communicator)? = nil,
  compressionState: CompressionState? = nil
) throws -> CompressionController {
  let communicator = try communicator ?? currentCommunicator()
  if let compressionState {
    let network = try communicator.together { try LiveGraph(graph.foldingNormalizations(behind: compressionState.setup.powerOfTwoLayers)) }
    let initializers = try communicator.together { try configuration.rangeInitializers(for: compressionState.setup) }
    let ranges = RangeSource(initializers: initializers, calibration: calibration, batchSize: calibrationBatchSize)
    let controller = try restored(network, from: compressionState, configuration.stages, ranges, device: device, communicator)
    controller.metadata = [CompressionController.fingerprintKey: configuration.fingerprint(device: device)]
    return controller
  }
  let (network, placement, initializers, frozen) = try communicator.together {
    let (folded, placement) = try placedBehindFolding(graph, configuration, device: device)
    return (
      try LiveGraph(folded), placement, try configuration.rangeInitializers(for: placement.setup),
      try placement.setup.frozenWeightWarning(in: folded, choosesBits: configuration.precision != nil)
    )
  }
  let source = network.graph
  try communicator.verifyEqual(placement.setup.fingerprint, what: "the quantizer setup")
  let chosen = try chosenBitWidths(
    placement, source, configuration, initializers, calibration: calibration, batchSize: calibrationBatchSize, precision, communicator)
  let placed = chosen.setup
  let found = try initializedRanges(
    for: placed, of: source, initializers, calibration: calibration, batchSize: calibrationBatchSize, communicator: communicator)
  var quantized = try source.inserting(found.setup)
  for (name, tensor) in found.parameters { quantized.constants[name]?.tensor = tensor }
  if let calibration {
    let adapted = try adaptedStatistics(
      of: quantized, sampleCount: configuration.batchNormAdaptationSampleCount, calibration: calibration, batchSize: calibrationBatchSize,
      communicator: communicator)
    for (name, tensor) in adapted { quantized.constants[name]?.tensor = tensor }
  }
  let controller = CompressionController(
    graph: quantized, source: source, setup: found.setup, stages: configuration.stages,
    ranges: RangeSource(initializers: initializers, calibration: calibration, batchSize: calibrationBatchSize),
    potential: PotentialQuantizers(in: network), memory: MemoryConsumption(network, placed),
    dataPath: QuantizedDataPath(network, placed, device: device),
    warnings: placement.warnings + [frozen].compactMap { $0 } + chosen.warnings
      + warnings(placed, found.uninitialized, initializers, hasSamples: calibration != nil),
    communicator: communicator)
  controller.precision = chosen.report
  controller.metadata = [CompressionController.fingerprintKey: configuration.fingerprint(device: device)]
  return controller
}

/// The network whose quantizers are placed, and these: the given one, or with powers of two the one whose batch norms are in the quantized layers.
private func placedBehindFolding(
  _ graph: Graph, _ configuration: QuantizationConfiguration, device: TargetDevice
) throws -> (Graph, QuantizerPlacement) {
  let placement = try placeQuantizers(in: graph, configuration, device: device)
  let folded = graph.foldingNormalizations(behind: placement.setup.powerOfTwoLayers)
  if folded.nodes.count == graph.nodes.count { return (graph, placement) }
  // Scopes have been checked; one may name a batch norm.
  var accepting = configuration
  accepting.validatesScopes = false
  (accepting.weights.validatesScopes, accepting.activations.validatesScopes) = (false, false)
  var result = try placeQuantizers(in: folded, accepting, device: device)
  result.warnings = placement.warnings
  return (folded, result)
}

/// A network with the quantizers of a saved state at their defaults, to be filled by the saved tensors.
private func restored(
  _ network: LiveGraph, from state: CompressionState, _ stages: QuantizationStages?, _ ranges: RangeSource?, device: TargetDevice,
  _ communicator: any Communicator
) throws -> CompressionController {
  let graph = network.graph
  let quantized = try communicator.together {
    let faults = state.setup.mismatches(with: graph)
    guard faults.isEmpty else {
      throw QuantizationError(
        "the saved quantization does not belong to the network '\(graph.name)'; restore it into the network it was made for:\n"
          + faults.map { "  \($0)" }.joined(separator: "\n"))
    }
    return try graph.inserting(state.setup)
  }
  try communicator.verifyEqual(state.setup.fingerprint, what: "the saved quantizer setup")
  let controller = CompressionController(
    graph: quantized, source: graph, setup: state.setup, stages: stages, ranges: ranges, potential: state.potential,
    memory: MemoryConsumption(network, state.setup),
    dataPath: QuantizedDataPath(network, state.setup, device: device), warnings: [], communicator: communicator)
  controller.scheduler.state = state.scheduler
  return controller
}

private func warnings(
  _ setup: QuantizerSetup, _ uninitialized: [String], _ initializers: [String: QuantizationConfiguration.RangeInitializer], hasSamples: Bool
) -> [String] {
  if setup.points.isEmpty { return ["no operator of the network is quantized: the configuration's scopes leave none, or none runs on integers"] }
  let unwanted = uninitialized.filter { initializers[$0]?.sampleCount == 0 }
  let unseen = uninitialized.filter { initializers[$0]?.sampleCount != 0 }
  let reasons = [("\"num_init_samples\" is 0", unwanted), (hasSamples ? "there were no samples" : "there is no calibration data", unseen)]
  return reasons.filter { !$1.isEmpty }.map { reason, ids in
    "\(ids.count) of \(setup.points.count) quantizers keep their default range, because \(reason): \(ids.joined(separator: ", "))"
  }
}
