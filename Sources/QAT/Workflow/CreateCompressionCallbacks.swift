import QATQuantization
import QATTraining

/// The callbacks that a compressed model is trained with: NNCF's `create_compression_callbacks`.
/// - Parameters:
///   - controller: what `createCompressedModel` gave.
///   - logDirectory: the log folder; made when it is missing.
///   - showsTables: whether the statistics of quantization are shown on stderr when training begins.
/// - Returns: callbacks for `Model.fit`, to which others may be added.
public func createCompressionCallbacks(
  _ controller: CompressionController, logDirectory: String, showsTables: Bool = true
) -> [any TrainingCallback] {
  [StatisticsCallback(controller, logDirectory: logDirectory, showsTables: showsTables)]
}
