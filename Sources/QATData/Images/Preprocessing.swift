import QATTensor

/// What happens to an image, given in [0, 1], before the network sees it: resizing and cutting, in training random changes, then normalisation.
public struct Preprocessing: Codable, Sendable, Hashable {
  /// How large an image becomes before anything is cut from it.
  public enum Resize: Codable, Sendable, Hashable {
    /// The shorter side has so many pixels, the other one in proportion, rounded down.
    case shorterSide(Int)
    /// This size, whatever the proportions.
    case exactly(ImageSize)
  }

  /// Subtracted from every pixel: one value for all channels or one a channel.
  public var mean: [Float]
  /// Then divided by: one value for all channels or one a channel. Positive.
  public var std: [Float]
  /// Whether half of the training samples are mirrored left to right.
  public var flip: Bool
  /// Black pixels around a training sample from which a window of the original size is cut at random: 0 moves nothing.
  public var cropPadding: Int
  /// The size that images are brought to; nil leaves it.
  public var resize: Resize?
  /// The size of the window that is then cut from the middle; nil cuts nothing.
  public var crop: ImageSize?
  /// The part of a training image that is cut at random and resized, instead of `resize` and `crop`; nil does as in evaluation.
  public var randomCrop: RandomCrop?
  /// Random changes of colours in training.
  public var colour: ColourJitter

  /// Preprocessing; without arguments, none.
  public init(
    mean: [Float] = [0], std: [Float] = [1], flip: Bool = false, cropPadding: Int = 0, resize: Resize? = nil, crop: ImageSize? = nil,
    randomCrop: RandomCrop? = nil, colour: ColourJitter = .init()
  ) {
    self.mean = mean
    self.std = std
    self.flip = flip
    self.cropPadding = cropPadding
    self.resize = resize
    self.crop = crop
    self.randomCrop = randomCrop
    self.colour = colour
  }

  /// The greatest height and width of an image, before and after.
  static let largestSide = 1 << 16

  /// The size in which an image of some size comes out.
  public func outputSize(of size: ImageSize) -> ImageSize { crop ?? resized(size) }

  /// The size of an image after `resize`.
  func resized(_ size: ImageSize) -> ImageSize {
    switch resize {
    case nil: return size
    case .exactly(let exact): return exact
    case .shorterSide(let side):
      let (short, long) = (min(size.height, size.width), max(size.height, size.width))
      guard short > 0 else { return size }
      let other = min(side * long / short, Self.largestSide)
      return size.height <= size.width ? ImageSize(height: side, width: other) : ImageSize(height: other, width: side)
    }
  }

  /// The shapes in which the inputs of a data set reach the network.
  /// - Throws: `DataError` when the preprocessing does not fit them, or leaves images in different sizes.
  public func shapes(of dataset: any Dataset) throws(DataError) -> [[Int]] {
    var hasImages = false
    let inputs = dataset.inputs
    var shapes: [[Int]] = []
    for input in inputs {
      switch input.content {
      case .tensor(let shape): shapes.append(shape)
      case .image(let channels, let size):
        hasImages = true
        let fixed: ImageSize? = if case .exactly(let exact)? = resize { exact } else { nil }
        guard let size = size.map(outputSize) ?? crop ?? fixed else {
          throw DataError(
            .unfit, dataset.name,
            "its images differ in size, and a network takes one size: say which in the configuration's 'data', as \"resize\": 256, \"crop\": 224")
        }
        try validate(for: [channels, size.height, size.width])
        shapes.append([channels, size.height, size.width])
      }
    }
    guard hasImages || self == Preprocessing() else {
      throw DataError(
        .unfit, dataset.name,
        "\"normalize\", \"resize\", \"crop\" and \"augment\" are for images [channels, height, width], and its samples are \(shapes): leave them out")
    }
    return shapes
  }

  /// Checks that the values fit images of `shape`, [channels, height, width], as they come out.
  /// - Throws: `DataError` that names the value.
  public func validate(for shape: [Int]) throws(DataError) {
    func fail(_ message: String) -> DataError { DataError(.unfit, "preprocessing", message) }
    guard shape.count == 3, let channels = shape.first else {
      throw fail("samples are [channels, height, width], found the shape \(shape)")
    }
    for (name, values) in [("mean", mean), ("std", std)] {
      guard values.count == 1 || values.count == channels else {
        throw fail("normalize.\(name) has \(values.count) values, the samples have \(channels) channels: give 1 value or \(channels)")
      }
      guard values.allSatisfy(\.isFinite) else { throw fail("normalize.\(name) is \(values): every value must be finite") }
    }
    guard std.allSatisfy({ $0 > 0 }) else { throw fail("normalize.std is \(std): every value must be positive") }
    guard cropPadding >= 0, cropPadding <= 4096 else { throw fail("augment.crop_padding is \(cropPadding): it must be 0 to 4096 pixels") }
    guard shape.dropFirst().allSatisfy({ (1...Self.largestSide).contains($0) }), channels > 0, channels <= 1 << 12 else {
      throw fail("images come out as \(shape): each side must have 1 to \(Self.largestSide) pixels")
    }
    guard colour.saturation == 0 || channels == 3 else {
      throw fail("augment.saturation is for images of three channels, these have \(channels): leave it out")
    }
  }
}
