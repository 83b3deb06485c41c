/// The arithmetic of a window that slides over an image: convolutions and poolings.
///
/// Two spatial dimensions, in the order height, width; pads in ONNX's order top, left, bottom, right.
public struct Window: Sendable, Hashable {
  /// Size of the window: height, width.
  public var kernel: [Int]
  /// Step of the window: height, width. At least 1.
  public var strides: [Int]
  /// Rows and columns added around the image: top, left, bottom, right. Never negative.
  public var pads: [Int]
  /// Distance between neighbouring elements of the window: height, width. At least 1.
  public var dilations: [Int]
  /// Whether a last window that only partly covers the padded image counts (poolings only).
  public var roundsUp: Bool

  /// A window.
  public init(kernel: [Int], strides: [Int] = [1, 1], pads: [Int] = [0, 0, 0, 0], dilations: [Int] = [1, 1], roundsUp: Bool = false) {
    self.kernel = kernel
    self.strides = strides
    self.pads = pads
    self.dilations = dilations
    self.roundsUp = roundsUp
  }

  /// A square window with equal steps and pads on all sides.
  public init(square size: Int, stride: Int = 1, pad: Int = 0) {
    self.init(kernel: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad])
  }

  /// Number of window positions along each spatial dimension of an image of `size`: ⌊(size + pads − reach) / stride⌋ + 1 with
  /// reach = (kernel − 1) · dilation + 1. With `roundsUp` it is ⌈…⌉, one fewer when the last window would start beyond the image in its trailing padding.
  ///
  /// Source: ONNX operators Conv and MaxPool; the dropped window as ONNX Runtime and PyTorch drop it.
  /// - Parameter size: height and width of the image.
  /// - Returns: the number of positions, height and width.
  /// - Throws: `ShapeError` when an attribute is out of its range, no window fits, or a number overflows.
  public func outputSize(for size: [Int]) throws(ShapeError) -> [Int] {
    guard kernel.count == 2, strides.count == 2, dilations.count == 2, pads.count == 4, size.count == 2 else {
      throw ShapeError(
        "windows have two spatial dimensions, found kernel \(kernel), strides \(strides), dilations \(dilations), pads \(pads) on an image of \(size)"
      )
    }
    guard kernel.allSatisfy({ $0 > 0 }), strides.allSatisfy({ $0 > 0 }), dilations.allSatisfy({ $0 > 0 }), pads.allSatisfy({ $0 >= 0 }) else {
      throw ShapeError("kernel \(kernel), strides \(strides) and dilations \(dilations) must be positive and pads \(pads) not negative")
    }
    guard size.allSatisfy({ $0 > 0 }) else { throw ShapeError("an image of \(size[0])×\(size[1]) has nothing for a window to slide over") }
    return [try positions(along: 0, of: size[0]), try positions(along: 1, of: size[1])]
  }

  /// The number of positions along one axis; all attributes are in their range.
  private func positions(along axis: Int, of size: Int) throws(ShapeError) -> Int {
    // Beyond this no file is meant seriously, and below it no sum or product of two such numbers overflows.
    let limit = 1 << 31
    guard [size, kernel[axis], strides[axis], dilations[axis], pads[axis], pads[axis + 2]].allSatisfy({ $0 < limit }) else {
      throw ShapeError(
        "kernel \(kernel), strides \(strides), dilations \(dilations) or pads \(pads) on an image with \(size) rows or columns exceed \(limit - 1)")
    }
    let stride = strides[axis]
    let reach = (kernel[axis] - 1) * dilations[axis] + 1
    let padded = size + pads[axis] + pads[axis + 2]
    // A last window that is rounded up may begin anywhere in the image, even when no whole one fits.
    let travel = padded - reach + (roundsUp ? stride - 1 : 0)
    guard travel >= 0 else { throw ShapeError("a window of \(reach) does not fit into \(padded) padded rows or columns") }
    let last = travel / stride
    return roundsUp && last > 0 && last * stride >= size + pads[axis] ? last : last + 1
  }

  /// The spatial size of `type`, which must be [batch, channels, height, width] with fixed height and width.
  func imageSize(_ type: TensorType) throws(ShapeError) -> [Int] {
    guard type.rank == 4, let height = type.dimensions[2].fixedSize, let width = type.dimensions[3].fixedSize else {
      throw ShapeError("expected [batch, channels, height, width] with a fixed height and width, found \(type)")
    }
    return [height, width]
  }
}
