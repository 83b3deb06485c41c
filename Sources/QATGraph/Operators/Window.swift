/// The arithmetic of a window that slides over an image: convolutions and poolings.
///
/// One to three spatial dimensions, outermost first: of an image height, width; pads in ONNX's order, all beginnings and then all ends.
public struct Window: Sendable, Hashable {
  /// Size of the window along each spatial dimension.
  public var kernel: [Int]
  /// Step of the window. At least 1.
  public var strides: [Int]
  /// Rows and columns added around the image: top, left, bottom, right. Never negative.
  public var pads: [Int]
  /// Distance between neighbouring elements of the window. At least 1.
  public var dilations: [Int]
  /// Whether a last window that only partly covers the padded image counts (poolings only).
  public var roundsUp: Bool

  /// A window; steps and distances of 1 and no pads unless said otherwise.
  public init(kernel: [Int], strides: [Int]? = nil, pads: [Int]? = nil, dilations: [Int]? = nil, roundsUp: Bool = false) {
    self.kernel = kernel
    self.strides = strides ?? kernel.map { _ in 1 }
    self.pads = pads ?? (kernel + kernel).map { _ in 0 }
    self.dilations = dilations ?? kernel.map { _ in 1 }
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
  /// - Parameter size: the image's spatial dimensions.
  /// - Returns: the number of positions along each of them.
  /// - Throws: `ShapeError` when an attribute is out of its range, no window fits, or a number overflows.
  public func outputSize(for size: [Int]) throws(ShapeError) -> [Int] {
    try checkAttributes(rank: size.count)
    guard size.allSatisfy({ $0 > 0 }) else {
      throw ShapeError("an image of \(size.map(String.init).joined(separator: "×")) has nothing for a window to slide over")
    }
    var result: [Int] = []
    for axis in size.indices { result.append(try positions(along: axis, of: size[axis])) }
    return result
  }

  /// Checks that there is a number for each of `rank` spatial dimensions, and that all are in their range.
  func checkAttributes(rank: Int) throws(ShapeError) {
    guard (1...3).contains(rank), kernel.count == rank, strides.count == rank, dilations.count == rank, pads.count == 2 * rank else {
      throw ShapeError(
        "windows have one to three spatial dimensions, found kernel \(kernel), strides \(strides), dilations \(dilations), pads \(pads) on \(rank)")
    }
    guard kernel.allSatisfy({ $0 > 0 }), strides.allSatisfy({ $0 > 0 }), dilations.allSatisfy({ $0 > 0 }), pads.allSatisfy({ $0 >= 0 }) else {
      throw ShapeError("kernel \(kernel), strides \(strides) and dilations \(dilations) must be positive and pads \(pads) not negative")
    }
    // Beyond this no file is meant seriously, and below it no sum or product of two such numbers overflows.
    guard (kernel + strides + dilations + pads).allSatisfy({ $0 < Self.limit }) else {
      throw ShapeError("kernel \(kernel), strides \(strides), dilations \(dilations) or pads \(pads) exceed \(Self.limit - 1)")
    }
  }

  private static let limit = 1 << 31

  /// The number of positions along one axis; all attributes are in their range.
  private func positions(along axis: Int, of size: Int) throws(ShapeError) -> Int {
    guard size < Self.limit else { throw ShapeError("an image with \(size) rows or columns exceeds \(Self.limit - 1)") }
    let stride = strides[axis]
    let reach = (kernel[axis] - 1) * dilations[axis] + 1
    let padded = size + pads[axis] + pads[axis + kernel.count]
    // A last window that is rounded up may begin anywhere in the image, even when no whole one fits.
    let travel = padded - reach + (roundsUp ? stride - 1 : 0)
    guard travel >= 0 else { throw ShapeError("a window of \(reach) does not fit into \(padded) padded rows or columns") }
    let last = travel / stride
    return roundsUp && last > 0 && last * stride >= size + pads[axis] ? last : last + 1
  }

  /// The spatial size of `type`, which must be [batch, channels, ...] with as many fixed dimensions behind as the window has.
  func imageSize(_ type: TensorType) throws(ShapeError) -> [Int] {
    let size = type.dimensions.dropFirst(2).compactMap(\.fixedSize)
    guard type.rank == kernel.count + 2, size.count == kernel.count else {
      throw ShapeError("expected [batch, channels, ...] with \(kernel.count) fixed spatial dimensions behind, found \(type)")
    }
    return size
  }
}
