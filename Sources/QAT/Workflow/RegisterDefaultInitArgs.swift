import QATData
import QATEngine
import QATQuantization
import QATTraining

/// A configuration with the data that initialise what it asks for.
public struct CompressionConfig {
  /// What the file or the dictionary says.
  public var nncf: NNCFConfig
  /// Where samples come from.
  public var data: DataLoader
  /// Samples of a calibration batch. Statistics that are defined per batch depend on it.
  public var batchSize: Int
  /// The loss whose curvature chooses bit widths, where the configuration asks for HAWQ; the model's criterion when nil.
  public var criterion: (any Objective)?

  /// The samples that initialise, chosen once by the loader's seed; nil when the configuration needs none.
  func calibration() throws -> CalibrationSource? {
    let count = nncf.quantization?.calibrationSampleCount(batchSize: batchSize) ?? 0
    guard count > 0 else { return nil }
    return try CalibrationSource(dataset: data.dataset, preprocessing: data.preprocessing, count: count, seed: data.seed)
  }

  /// What HAWQ needs besides samples; nil where the configuration does not ask for it.
  func precisionTask(for model: Model) throws -> PrecisionTask? {
    guard nncf.quantization?.precision?.measuresCurvature == true else { return nil }
    return PrecisionTask(objective: try criterion ?? model.makeLoss(target: data.dataset.target, smooths: false), seed: data.seed)
  }
}

/// Attaches the data with which `createCompressedModel` initialises ranges, batch norm and bit widths: NNCF's `register_default_init_args`.
/// - Parameters:
///   - config: the configuration.
///   - loader: where samples come from; mirroring and moving are left out.
///   - batchSize: samples of a calibration batch; the loader's when nil.
///   - criterion: the loss whose curvature chooses bit widths; the model's criterion when nil.
/// - Returns: the configuration with its data.
public func registerDefaultInitArgs(
  _ config: NNCFConfig, _ loader: DataLoader, batchSize: Int? = nil, criterion: (any Objective)? = nil
) -> CompressionConfig {
  CompressionConfig(nncf: config, data: loader, batchSize: max(1, batchSize ?? loader.batchSize), criterion: criterion)
}
