import QATGraph

/// One spatial dimension of a sliding window over an image: which image rows (or columns) the window's taps meet.
struct WindowAxis {
  /// Rows of the image.
  var size: Int
  /// Window positions.
  var outputSize: Int
  /// Rows of the window.
  var taps: Int
  var stride: Int
  var pad: Int
  var trailingPad: Int
  var dilation: Int

  /// The image row under `tap` when the window stands at `position`; outside 0..<size it is padding.
  func row(_ position: Int, _ tap: Int) -> Int { position * stride + tap * dilation - pad }

  /// The window positions at which `tap` meets the image.
  func positions(_ tap: Int) -> Range<Int> {
    let shift = pad - tap * dilation
    // position · stride ≥ shift and position · stride ≤ size − 1 + shift.
    let lower = shift <= 0 ? 0 : (shift + stride - 1) / stride
    let last = size - 1 + shift
    let upper = last < 0 ? 0 : last / stride + 1
    return min(lower, outputSize)..<max(min(lower, outputSize), min(upper, outputSize))
  }

  /// The taps that meet the image when the window stands at `position`.
  func tapsInside(_ position: Int) -> Range<Int> { taps(position, from: 0, to: size) }

  /// The taps that meet the image or its padding; only windows of a rounded-up pooling reach further.
  func tapsInsidePadded(_ position: Int) -> Range<Int> { taps(position, from: -pad, to: size + trailingPad) }

  private func taps(_ position: Int, from first: Int, to end: Int) -> Range<Int> {
    let start = row(position, 0)
    let lower = start >= first ? 0 : min(taps, (first - start + dilation - 1) / dilation)
    let upper = start >= end ? 0 : min(taps, (end - start - 1) / dilation + 1)
    return lower..<max(lower, upper)
  }
}

/// The up to three spatial dimensions of a sliding window, outermost first; one that a window lacks is a single element.
struct WindowAxes {
  var z, y, x: WindowAxis

  /// For an image [.., .., D, H, W] and a result [.., .., D', H', W'], or with fewer spatial dimensions.
  init(_ window: Window, image: [Int], output: [Int]) {
    let count = window.kernel.count
    func axis(fromEnd place: Int) -> WindowAxis {
      let index = count - place
      guard index >= 0 else { return WindowAxis(size: 1, outputSize: 1, taps: 1, stride: 1, pad: 0, trailingPad: 0, dilation: 1) }
      return WindowAxis(
        size: image[index + 2], outputSize: output[index + 2], taps: window.kernel[index], stride: window.strides[index], pad: window.pads[index],
        trailingPad: window.pads[index + count], dilation: window.dilations[index])
    }
    (z, y, x) = (axis(fromEnd: 3), axis(fromEnd: 2), axis(fromEnd: 1))
  }

  /// Number of elements of an image plane.
  var imagePlane: Int { z.size * y.size * x.size }
  /// Number of window positions.
  var outputPlane: Int { z.outputSize * y.outputSize * x.outputSize }
}
