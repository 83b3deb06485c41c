import QATTensor

/// What happens to a sample's pixels, given in [0, 1], before the network sees them.
public struct Preprocessing: Codable, Sendable, Hashable {
  /// Subtracted from every pixel: one value for all channels or one a channel.
  public var mean: [Float]
  /// Then divided by: one value for all channels or one a channel. Positive.
  public var std: [Float]
  /// Whether half of the training samples are mirrored left to right.
  public var flip: Bool
  /// Black pixels around a training sample from which a window of the original size is cut at random: 0 moves nothing.
  public var cropPadding: Int

  /// Preprocessing; without arguments, none.
  public init(mean: [Float] = [0], std: [Float] = [1], flip: Bool = false, cropPadding: Int = 0) {
    self.mean = mean
    self.std = std
    self.flip = flip
    self.cropPadding = cropPadding
  }

  /// Checks that the values fit samples of `shape`, [channels, height, width].
  /// - Throws: `DataError` that names the value.
  public func validate(for shape: [Int]) throws {
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
  }

  /// Writes the preprocessed `sample` to `destination`: (pixel − mean) / std, mirrored and moved as `augmentKey` says.
  ///
  /// The key's number 0 decides the mirroring, numbers 1 and 2 the vertical and horizontal place of the window, each of 2·cropPadding + 1 equally likely.
  /// - Parameters:
  ///   - sample: pixels in [0, 1], shape [channels, height, width].
  ///   - shape: [channels, height, width].
  ///   - augmentKey: keyed by (epoch, sample) so that the result depends on nothing else; nil leaves flip and crop out.
  ///   - destination: as many pixels, other memory.
  /// - Precondition: the values fit the shape (`validate(for:)`).
  public func apply(
    _ sample: UnsafeBufferPointer<Float>, shape: [Int], augmentKey: RandomKey?, into destination: UnsafeMutableBufferPointer<Float>
  ) {
    let (channels, height, width) = (shape[0], shape[1], shape[2])
    precondition(
      sample.count == channels * height * width && destination.count == sample.count, "a sample of shape \(shape) needs \(sample.count) pixels")
    var (mirrored, down, right) = (false, 0, 0)
    if let augmentKey {
      mirrored = flip && augmentKey.integer(below: 2, at: 0) == 1
      if cropPadding > 0 {
        down = augmentKey.integer(below: 2 * cropPadding + 1, at: 1) - cropPadding
        right = augmentKey.integer(below: 2 * cropPadding + 1, at: 2) - cropPadding
      }
    }
    let first = min(width, max(0, -right))
    let columns = first..<max(first, min(width, width - right))
    for channel in 0..<channels {
      let (mean, std) = (mean[mean.count == 1 ? 0 : channel], std[std.count == 1 ? 0 : channel])
      let black = (0 - mean) / std
      for row in 0..<height {
        let line = UnsafeMutableBufferPointer(rebasing: destination[((channel * height + row) * width)...].prefix(width))
        let sourceRow = row + down
        guard (0..<height).contains(sourceRow), !columns.isEmpty else {
          line.update(repeating: black)
          continue
        }
        let source = UnsafeBufferPointer(rebasing: sample[((channel * height + sourceRow) * width)...].prefix(width))
        line[..<columns.lowerBound].update(repeating: black)
        line[columns.upperBound...].update(repeating: black)
        for column in columns {
          let from = column + right
          line[column] = (source[mirrored ? width - 1 - from : from] - mean) / std
        }
      }
    }
  }
}
