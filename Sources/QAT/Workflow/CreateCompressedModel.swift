import QATCommunication
import QATEngine
import QATGraph
import QATQuantization
import QATTraining

/// Quantizes a model as a configuration says: NNCF's `create_compressed_model`. Ranges, batch norm and bit widths are initialised from the registered data.
///
/// The model that is given stays as it is, in floating point; the one that is returned starts from its current values. All ranks call it together.
/// - Parameters:
///   - model: a trained fp32 model.
///   - config: the configuration with its data, as `registerDefaultInitArgs` gives it.
///   - compressionState: a saved state, whose quantizers are inserted without initialisation; load the saved state dictionary afterwards.
/// - Returns: the controller, and the quantized model, which is used as the fp32 one was.
/// - Throws: `TrainingError` when the model is compressed already or has other inputs than the configuration says; `QuantizationError`, also when the state is of
///   another model; what the data throw.
public func createCompressedModel(
  _ model: Model, _ config: CompressionConfig, compressionState: CompressionState? = nil
) throws -> (controller: CompressionController, model: Model) {
  let communicator = try currentCommunicator()
  let needsData = compressionState == nil || config.nncf.quantization?.stages != nil
  let calibration = needsData ? try communicator.together { try config.calibration() } : nil
  let precision = compressionState == nil ? try config.precisionTask(for: model) : nil
  let result = try compress(
    model, config.nncf, calibration: calibration, batchSize: config.batchSize, precision: precision, compressionState: compressionState, communicator)
  // A file says how its inputs are prepared; what the fp32 file says of that stays.
  result.controller.metadata.merge(config.data.preprocessing.notes) { own, _ in own }
  return result
}

/// Quantizes a model without data: activations keep their default ranges unless a saved state is given, whose tensors are then loaded by name.
///
/// See `createCompressedModel(_:_:compressionState:)` with registered data.
public func createCompressedModel(
  _ model: Model, _ config: NNCFConfig, compressionState: CompressionState? = nil
) throws -> (controller: CompressionController, model: Model) {
  try compress(
    model, config, calibration: nil, batchSize: calibrationBatchSize, precision: nil, compressionState: compressionState, currentCommunicator())
}

private func compress(
  _ model: Model, _ config: NNCFConfig, calibration: (any BatchSource)?, batchSize: Int, precision: PrecisionTask?,
  compressionState: CompressionState?, _ communicator: any Communicator
) throws -> (controller: CompressionController, model: Model) {
  guard model.controller == nil, !model.source.isQuantized else {
    throw TrainingError(
      .input,
      "the model '\(model.graph.name)' is quantized already: createCompressedModel takes an fp32 model, once. Use the controller that came with it, or quantize the "
        + "fp32 model anew")
  }
  let source = try model.trainedGraph()
  try source.requireInputs(config.inputInfo)
  let controller = try createCompressedModel(
    source, config, calibration: calibration, calibrationBatchSize: batchSize, precision: precision, communicator: communicator,
    compressionState: compressionState)
  controller.metadata.merge(model.metadata) { own, _ in own }
  let compressed = try Model(source: source, controller: controller, config: config)
  compressed.criterion = model.criterion
  return (controller, compressed)
}
