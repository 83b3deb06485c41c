/// What is read and how it is prepared (`data`).
public struct DataConfiguration: Sendable, Hashable, Codable {
  /// Shift and scale of pixels (`normalize`): `(pixel - mean) / std` for each channel, pixels in [0, 1].
  public struct Normalization: Sendable, Hashable, Codable {
    /// Mean of each channel, or one for all.
    public var mean: [Double]
    /// Standard deviation of each channel, above 0; as many as means.
    public var std: [Double]

    /// A mean and a standard deviation for each channel.
    public init(mean: [Double], std: [Double]) {
      self.mean = mean
      self.std = std
    }
  }

  /// Random changes of training samples (`augment`).
  public struct Augmentation: Sendable, Hashable, Codable {
    /// Whether half of the samples are mirrored left to right.
    public var flip = false
    /// Black pixels on each side of a sample, out of which the original size is cut at a random place; 0 does not crop.
    public var cropPadding = 0

    /// No changes.
    public init() {}
  }

  /// Training data (`train`): a file, a folder or `synthetic...`; nil when the command says it. A relative path is already resolved.
  public var train: String?
  /// Validation data (`validation`); nil stands for the test split of `train`.
  public var validation: String?
  /// Shift and scale of pixels; nil leaves them in [0, 1].
  public var normalize: Normalization?
  /// Random changes of training samples.
  public var augment = Augmentation()

  /// No data, no changes.
  public init() {}
}
