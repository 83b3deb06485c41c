import QATData

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
    /// The part of an image that is cut at random and resized (`random_resized_crop`), instead of `resize` and `crop`; nil does as in evaluation.
    public var randomCrop: RandomCrop?
    /// Largest relative changes of `brightness`, `contrast` and `saturation`.
    public var colour = ColourJitter()
    /// α of `mixup`; 0 mixes nothing.
    public var mixup = 0.0
    /// α of `cutmix`; 0 mixes nothing.
    public var cutmix = 0.0

    /// No changes.
    public init() {}
  }

  /// Training data (`train`): a file, a folder or `synthetic...`; nil when the command says it. A relative path is already resolved.
  public var train: String?
  /// Validation data (`validation`); nil stands for the test split of `train`.
  public var validation: String?
  /// Number of channels of decoded images (`channels`): 3, or 1 for grey.
  public var channels = 3
  /// The size that images are brought to (`resize`); nil leaves it.
  public var resize: Preprocessing.Resize?
  /// The size of the window cut from the middle (`crop`); nil cuts nothing.
  public var crop: ImageSize?
  /// Shift and scale of pixels; nil leaves them in [0, 1].
  public var normalize: Normalization?
  /// Random changes of training samples.
  public var augment = Augmentation()
  /// Threads that read and prepare samples (`workers`). Changes no result.
  public var workers = 1
  /// Corrupt samples that may be skipped (`max_corrupt`), on each rank and of each data set; 0 ends the run at the first.
  public var maxCorrupt = 0

  /// No data, no changes.
  public init() {}
}
