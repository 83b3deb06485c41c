import QATCommunication
import QATEngine
import QATGraph

/// The quantizers with the bit widths that HAWQ chooses, where the configuration asks for it.
/// - Parameters:
///   - placement: the quantizers and what they may be.
///   - graph: the fp32 network.
///   - configuration: the `quantization` section.
///   - initializers: how each quantizer finds its range, by id.
///   - calibration: samples with targets; nil leaves the widths as they are, with a warning, unless traces are read from a file.
///   - batchSize: samples in a batch, on whichever rank.
///   - task: the loss whose curvature counts.
///   - communicator: the ranks. Every one gets the same choice, for every number of ranks.
/// - Returns: the setup, what was weighed, and what the user should know.
/// - Throws: `QuantizationError` when there is no choice that meets the configuration; what the samples, the engine or the communicator throw.
func chosenBitWidths(
  _ placement: QuantizerPlacement, _ graph: Graph, _ configuration: QuantizationConfiguration,
  _ initializers: [String: QuantizationConfiguration.RangeInitializer], calibration: (any BatchSource)?, batchSize: Int, _ task: PrecisionTask?,
  _ communicator: any Communicator
) throws -> (setup: QuantizerSetup, report: PrecisionReport?, warnings: [String]) {
  guard let precision = configuration.precision, precision.kind == .hawq, !placement.setup.weightPoints.isEmpty else {
    return (placement.setup, nil, [])
  }
  let settings = precision.hawq
  let hawq = HAWQ(settings, placement, graph)
  let places = try communicator.together { try hawq.tensors() }
  let traces: HessianTraces
  if let path = settings.tracesPath {
    traces = try communicator.together { try HessianTraces(contentsOf: path, for: places) }
  } else if let calibration {
    guard let task else {
      throw QuantizationError("HAWQ measures the curvature of a loss, and none is given: pass a PrecisionTask with the objective of the training")
    }
    traces = try HessianTraceMeasurement(
      of: places.map(\.tensor), in: graph, settings, task, calibration, batchSize: batchSize, communicator
    ).run()
  } else {
    return (placement.setup, nil, ["HAWQ has not chosen bit widths, because there is no data to measure the curvature of the loss on"])
  }
  let chosen = try communicator.together { try hawq.choose(traces, initializers) }
  try communicator.verifyEqual(chosen.setup.fingerprint, what: "the bit widths that HAWQ has chosen")
  return (chosen.setup, chosen.report, [])
}
