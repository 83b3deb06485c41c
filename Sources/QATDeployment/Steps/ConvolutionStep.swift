import CVectorKernels
import QATGraph

/// A convolution of codes.
struct ConvolutionStep: DeployedStep {
  let inputs: [TensorName]
  let outputs: [TensorName]
  let weights: IntegerWeights
  let groups: Int
  let inputZeroPoint: Int
  let places: WindowPlaces
  let result: ProductResult

  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor] {
    let source = codes(inputs, 0)
    let batch = inputs[0].shape[0]
    let shape = [batch, weights.outputs] + places.outputSize
    let skip = inputs.count > 1 ? codes(inputs, 1) : nil
    return [
      result.filled(count: batch * weights.outputs * places.positions, shape: shape, skip: skip) { write in
        source.withUnsafeBufferPointer { source in
          parallel(batch) { image in convolve(image, source, write) }
        }
      }
    ]
  }

  /// One image, piece by piece of so many window positions that their rows stay in the cache.
  private func convolve(_ image: Int, _ source: UnsafeBufferPointer<UInt8>, _ write: ProductResult.Writer) {
    let plane = places.plane
    let channels = weights.length / places.taps
    let outputs = weights.outputs / groups
    let piece = max(4, min(places.positions, 1 << 17 / weights.length))
    withUnsafeTemporaryAllocation(of: Int16.self, capacity: piece * weights.length) { rows in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: piece * outputs) { sums in
        guard let codes = source.baseAddress, let rowBase = rows.baseAddress, let sumBase = sums.baseAddress else { return }
        for first in stride(from: 0, to: places.positions, by: piece) {
          let count = min(piece, places.positions - first)
          for group in 0..<groups {
            places.table.withUnsafeBufferPointer { table in
              guard let table = table.baseAddress else { return }
              let channel = (image * groups + group) * channels
              qat_window_rows(
                codes + channel * plane, channels, plane, Int32(inputZeroPoint), table + first * places.taps, count, places.taps, rowBase)
            }
            weights.rows.withUnsafeBufferPointer { weights in
              guard let weights = weights.baseAddress else { return }
              qat_integer_products(rowBase, weights + group * outputs * self.weights.length, count, outputs, self.weights.length, sumBase)
            }
            for output in 0..<outputs {
              let channel = group * outputs + output
              let offset = (image * weights.outputs + channel) * places.positions + first
              write(channel, UnsafeBufferPointer(start: sumBase + output * count, count: count), offset)
            }
          }
        }
      }
    }
  }
}

/// For each position of a window over an image, and each of its taps, the element of the image plane that the tap meets; −1 for padding.
struct WindowPlaces: Sendable {
  /// [positions, taps].
  let table: [Int32]
  let positions: Int
  let taps: Int
  /// Elements of the image plane.
  let plane: Int
  let outputSize: [Int]

  /// - Parameters:
  ///   - window: a window that fits the image.
  ///   - image: the image's spatial dimensions.
  /// - Throws: `ShapeError` when it does not.
  init(_ window: Window, image: [Int]) throws(ShapeError) {
    outputSize = try window.outputSize(for: image)
    plane = image.reduce(1, *)
    taps = window.kernel.reduce(1, *)
    positions = outputSize.reduce(1, *)
    var table: [Int32] = []
    table.reserveCapacity(positions * taps)
    for position in 0..<positions {
      for tap in 0..<taps { table.append(Self.place(position, tap, window, image, outputSize)) }
    }
    self.table = table
  }

  private static func place(_ position: Int, _ tap: Int, _ window: Window, _ image: [Int], _ output: [Int]) -> Int32 {
    var (position, tap, place, stride) = (position, tap, 0, 1)
    for axis in image.indices.reversed() {
      let row = position % output[axis] * window.strides[axis] + tap % window.kernel[axis] * window.dilations[axis] - window.pads[axis]
      if row < 0 || row >= image[axis] { return -1 }
      place += row * stride
      stride *= image[axis]
      position /= output[axis]
      tap /= window.kernel[axis]
    }
    return Int32(place)
  }
}
