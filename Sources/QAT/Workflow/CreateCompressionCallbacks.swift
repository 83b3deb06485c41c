import QATEngine
import QATQuantization
import QATTraining

/// The callbacks that a compressed model is trained with: NNCF's `create_compression_callbacks`. They log the statistics of quantization, and curves and distributions for TensorBoard.
/// - Parameters:
///   - controller: what `createCompressedModel` gave.
///   - logDirectory: the log folder; made when it is missing.
///   - logsTensorBoard: whether events for TensorBoard are written there: a point every ten steps, distributions after each epoch.
///   - samples: the samples whose activations TensorBoard shows; nil shows those of parameters only.
///   - showsTables: whether the statistics of quantization are shown on stderr when training begins.
/// - Returns: callbacks for `Model.fit`, to which others may be added.
public func createCompressionCallbacks(
  _ controller: CompressionController, logDirectory: String, logsTensorBoard: Bool = true, samples: (any BatchSource)? = nil,
  showsTables: Bool = true
) -> [any TrainingCallback] {
  let statistics = StatisticsCallback(controller, logDirectory: logDirectory, showsTables: showsTables)
  return logsTensorBoard ? [statistics, TensorBoardLog(logDirectory, every: 10, samples: samples)] : [statistics]
}
