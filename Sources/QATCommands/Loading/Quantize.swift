import QAT

/// Quantizes a network as the configuration says, on all ranks together, and tells the user what the quantizers came out as.
/// - Parameters:
///   - graph: a trained fp32 network.
///   - configuration: what the file says of quantization.
///   - calibration: samples that initialise; nil leaves activations at their defaults.
///   - session: the ranks.
///   - seed: the seed of the run.
///   - state: a saved state, whose quantizers are inserted without initialisation.
///   - loss: the loss of the training, for the choice of bit widths; the cross-entropy of classes when nil.
/// - Returns: the controller with the quantized network; nil when the configuration asks for no compression.
/// - Throws: `CommandError` when the network is quantized already, and what initialisation throws.
func quantize(
  _ graph: Graph, _ configuration: NNCFConfig, calibration: (any BatchSource)?, _ session: Session, seed: UInt64 = 0,
  state: CompressionState? = nil, loss: (any OutputLoss)? = nil
) throws -> CompressionController? {
  guard configuration.quantization != nil else { return nil }
  if graph.isQuantized {
    throw CommandError(
      .input, "the network '\(graph.name)' holds fake quantizers already. Start from the fp32 model, or leave 'compression' out of the configuration")
  }
  let task = try precisionTask(of: graph, configuration, hasSamples: calibration != nil && state == nil, session, seed: seed, loss: loss)
  let controller = try WorkPhase.calibrating.run {
    try createCompressedModel(
      graph, configuration, calibration: calibration, precision: task, communicator: session.communicator, compressionState: state)
  }
  try controller.distributed()
  controller.warnings.forEach(session.warn)
  if let report = controller.precision {
    session.note(report.description)
    try writePrecisionData(report, configuration, session)
  }
  return controller
}
