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

  /// Number of window positions along each spatial dimension of an image of `size`.
  /// - Throws: `ShapeError` when an attribute is out of its range or the window is larger than the padded image.
  public func outputSize(for size: [Int]) throws(ShapeError) -> [Int] {
    guard kernel.count == 2, strides.count == 2, dilations.count == 2, pads.count == 4, size.count == 2 else {
      throw ShapeError("only windows over two spatial dimensions are supported, found a kernel of \(kernel.count)")
    }
    guard kernel.allSatisfy({ $0 > 0 }), strides.allSatisfy({ $0 > 0 }), dilations.allSatisfy({ $0 > 0 }), pads.allSatisfy({ $0 >= 0 }) else {
      throw ShapeError("kernel \(kernel), strides \(strides) and dilations \(dilations) must be positive and pads \(pads) not negative")
    }
    var result: [Int] = []
    for axis in 0..<2 {
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      let padded = size[axis] + pads[axis] + pads[axis + 2]
      guard padded >= reach else { throw ShapeError("a window of \(reach) does not fit into \(padded) padded rows or columns") }
      var count = (padded - reach) / strides[axis] + 1
      // A window that would start inside the trailing padding is dropped, as ONNX and PyTorch do.
      if roundsUp, (padded - reach) % strides[axis] != 0, count * strides[axis] < size[axis] + pads[axis] { count += 1 }
      result.append(count)
    }
    return result
  }

  /// The spatial size of `type`, which must be [batch, channels, height, width] with fixed height and width.
  func imageSize(_ type: TensorType) throws(ShapeError) -> [Int] {
    guard type.rank == 4, let height = type.dimensions[2].fixedSize, let width = type.dimensions[3].fixedSize else {
      throw ShapeError("expected [batch, channels, height, width] with a fixed height and width, found \(type)")
    }
    return [height, width]
  }
}
