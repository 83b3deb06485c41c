import QATTensor

extension Preprocessing {
  /// Writes the preprocessed `image` to `destination`: resized and cut, changed as `augmentKey` says, (pixel − mean) / std.
  ///
  /// The key's whole number 0 decides the mirroring, whole numbers 1 and 2 the vertical and horizontal place of the window in the padded image, each of
  /// 2·cropPadding + 1 equally likely.
  /// - Parameters:
  ///   - image: pixels in [0, 1], row-major [channels, height, width].
  ///   - channels: number of channels.
  ///   - size: the image's height and width.
  ///   - augmentKey: keyed by (epoch, sample) so that the result depends on nothing else; nil leaves all that is random out.
  ///   - workspace: memory of this thread.
  ///   - destination: room for an image of `outputSize(of:)`, other memory.
  /// - Precondition: the values fit the shape (`shapes(of:)`).
  public func apply(
    _ image: UnsafeBufferPointer<Float>, channels: Int, size: ImageSize, augmentKey: RandomKey?, workspace: ImageWorkspace,
    into destination: UnsafeMutableBufferPointer<Float>
  ) {
    let output = outputSize(of: size)
    precondition(
      image.count == channels * size.height * size.width && destination.count == channels * output.height * output.width,
      "an image of \(channels) channels and \(size) becomes \(output), not \(destination.count) pixels")
    var pixels = image
    if let randomCrop, let augmentKey {
      pixels = UnsafeBufferPointer(
        workspace.resize(
          image, channels: channels, size: size, part: randomCrop.window(of: size, augmentKey), to: output,
          window: PixelWindow(top: 0, left: 0, size: output)))
    } else if resized(size) != size || output != size {
      let full = resized(size)
      pixels = UnsafeBufferPointer(
        workspace.resize(
          image, channels: channels, size: size, part: PixelWindow(top: 0, left: 0, size: size), to: full,
          window: PixelWindow(middleOf: full, size: output)))
    }
    if let augmentKey, !colour.isNone {
      let changed = pixels.baseAddress == image.baseAddress ? workspace.copy(image) : UnsafeMutableBufferPointer(mutating: pixels)
      colour.apply(to: changed, channels: channels, augmentKey)
      pixels = UnsafeBufferPointer(changed)
    }
    finish(pixels, channels: channels, size: output, augmentKey, into: destination)
  }

  /// Mirrors, moves and normalises in one pass.
  private func finish(
    _ image: UnsafeBufferPointer<Float>, channels: Int, size: ImageSize, _ augmentKey: RandomKey?,
    into destination: UnsafeMutableBufferPointer<Float>
  ) {
    let (height, width) = (size.height, size.width)
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
        let source = UnsafeBufferPointer(rebasing: image[((channel * height + sourceRow) * width)...].prefix(width))
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
