import QATTensor

/// Memory in which one thread resizes images. Grows with the largest image and stays.
public final class ImageWorkspace {
  private var result = AlignedBuffer<Float>(count: 0)
  private var rows = AlignedBuffer<Float>(count: 0)
  private var horizontal = ResizeTaps()
  private var vertical = ResizeTaps()

  /// Nothing yet.
  public init() {}

  /// A copy of pixels that may be changed.
  func copy(_ pixels: UnsafeBufferPointer<Float>) -> UnsafeMutableBufferPointer<Float> {
    let copy = Self.room(pixels.count, in: &result)
    _ = copy.update(fromContentsOf: pixels)
    return copy
  }

  /// Resizes a part of an image and cuts a window from what comes out. Outside of the image it is black.
  ///
  /// Bilinear, where it becomes smaller with a triangle as wide as a new pixel, first along rows, then along columns: what Pillow's BILINEAR computes, without
  /// its roundings to bytes.
  /// - Parameters:
  ///   - image: pixels [channels, height, width].
  ///   - channels: number of channels.
  ///   - size: the image's size.
  ///   - part: the part that is resized, inside the image.
  ///   - full: what it is resized to.
  ///   - window: what is cut from that.
  /// - Returns: pixels [channels, window's height, window's width], until the next call.
  func resize(
    _ image: UnsafeBufferPointer<Float>, channels: Int, size: ImageSize, part: PixelWindow, to full: ImageSize, window: PixelWindow
  ) -> UnsafeMutableBufferPointer<Float> {
    let (height, width) = (window.size.height, window.size.width)
    let output = Self.room(channels * height * width, in: &result)
    horizontal.compute(from: part.size.width, to: full.width, first: window.left, count: width)
    vertical.compute(from: part.size.height, to: full.height, first: window.top, count: height)
    let needed = vertical.range
    let between = Self.room(needed.count * width, in: &rows)
    guard let source = image.baseAddress, let target = output.baseAddress, let middle = between.baseAddress else { return output }
    for channel in 0..<channels {
      for row in needed {
        let line = source + (channel * size.height + part.top + row) * size.width + part.left
        let to = middle + (row - needed.lowerBound) * width
        for column in 0..<width { to[column] = horizontal.sum(column) { line[$0] } }
      }
      for row in 0..<height {
        let to = target + (channel * height + row) * width
        UnsafeMutableBufferPointer(start: to, count: width).update(repeating: 0)
        vertical.forEach(row) { index, weight in
          let line = middle + (index - needed.lowerBound) * width
          for column in 0..<width { to[column] += weight * line[column] }
        }
      }
    }
    return output
  }

  private static func room(_ count: Int, in buffer: inout AlignedBuffer<Float>) -> UnsafeMutableBufferPointer<Float> {
    if buffer.count < count { buffer = AlignedBuffer(count: count) }
    return UnsafeMutableBufferPointer(start: buffer.pointer, count: count)
  }
}

/// Which pixels of a line, with which weights, make each pixel of a resized line.
private struct ResizeTaps {
  /// The first pixel of each sum.
  private var starts: [Int] = []
  /// Where its weights begin and end.
  private var ends: [Int] = [0]
  private var weights: [Float] = []
  /// All pixels that any sum takes.
  private(set) var range = 0..<0

  /// Computes the sums for `count` pixels from number `first` of a line that is resized. Pixels outside of the line get no sum.
  mutating func compute(from length: Int, to newLength: Int, first: Int, count: Int) {
    starts.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    ends.append(0)
    let scale = Double(length) / Double(newLength)
    let support = max(scale, 1)
    var (low, high) = (length, 0)
    for pixel in first..<first + count {
      guard (0..<newLength).contains(pixel) else {
        starts.append(0)
        ends.append(weights.count)
        continue
      }
      let centre = (Double(pixel) + 0.5) * scale
      let start = max(0, Int(centre - support + 0.5))
      let end = min(length, Int(centre + support + 0.5))
      func weight(_ index: Int) -> Double { max(0, 1 - abs((Double(index) - centre + 0.5) / support)) }
      var total = 0.0
      for index in start..<end { total += weight(index) }
      for index in start..<end { weights.append(Float(weight(index) / total)) }
      starts.append(start)
      ends.append(weights.count)
      (low, high) = (min(low, start), max(high, end))
    }
    range = low < high ? low..<high : 0..<0
  }

  /// The sum for a pixel, counted from the first.
  func sum(_ pixel: Int, _ value: (Int) -> Float) -> Float {
    var sum: Float = 0
    let first = ends[pixel]
    for place in first..<ends[pixel + 1] { sum += weights[place] * value(starts[pixel] + place - first) }
    return sum
  }

  /// Calls `body` with every pixel of the sum for a pixel, and its weight.
  func forEach(_ pixel: Int, _ body: (_ index: Int, _ weight: Float) -> Void) {
    let first = ends[pixel]
    for place in first..<ends[pixel + 1] { body(starts[pixel] + place - first, weights[place]) }
  }
}
