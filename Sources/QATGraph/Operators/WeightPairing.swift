/// Which codes of a weight meet in sums of two products that x86 processors without VNNI make in 16 bits, saturating.
///
/// Their kernels multiply u8 codes by s8 weights and add two neighbouring products at once (`vpmaddubsw`). Neighbours are input channels 2i and 2i + 1 at
/// one position of the kernel, for one output channel. The sum cannot saturate for any input when |w₂ᵢ + w₂ᵢ₊₁| ≤ 128 wherever the two have one sign, since
/// 255 · 128 = 32,640 ≤ 32,767; neighbours of opposite signs never saturate. So a single code may be ±127, where halving the range forbids all beyond 64.
/// With an odd number of input channels, ONNX Runtime pairs in the order (position, channel), and OpenVINO within positions: both must hold. In a linear layer
/// any two consecutive inputs may be neighbours, since kernels cut long sums into blocks that begin anywhere (OpenVINO: 490 inputs into 245 and 245).
/// Source: measured on ONNX Runtime 1.32 and OpenVINO 2026.4 with codes of ±127.
public struct WeightPairing: Sendable, Hashable, Codable {
  /// Axis of the weight over which products are summed: the input channels of a group.
  public var inputAxis: Int
  /// Axis of the output channels. All other axes are positions of the kernel.
  public var outputAxis: Int

  /// The pairing of a weight.
  public init(inputAxis: Int, outputAxis: Int) {
    self.inputAxis = inputAxis
    self.outputAxis = outputAxis
  }

  /// What the magnitudes of two neighbours of one sign may add up to.
  public static let limit = 128

  /// Whether the axes are two axes of a weight.
  public func fits(rank: Int) -> Bool { inputAxis != outputAxis && (0..<rank).contains(inputAxis) && (0..<rank).contains(outputAxis) }

  /// The pairing of the tensor that a transposition makes this pairing's weight of: axis i of the weight is its axis `permutation[i]`. The order of positions
  /// is the constant's then; a transposition that changes it leaves the pairs of odd channels without a proof, which a certificate then says.
  public func behind(_ permutation: [Int]) -> WeightPairing {
    WeightPairing(inputAxis: permutation[inputAxis], outputAxis: permutation[outputAxis])
  }

  /// The neighbours in the weights of one output channel.
  /// - Parameter shape: the weight's shape, row-major.
  /// - Returns: pairs of offsets from the first element of the output channel, in the order in which `limit(_:shape:)` goes through them.
  /// - Precondition: the axes are two axes of the weight.
  public func neighbours(shape: [Int]) -> [(Int, Int)] {
    let strides = shape.rowMajorStrides
    let channels = shape[inputAxis]
    var positions = [0]
    for axis in shape.indices where axis != inputAxis && axis != outputAxis {
      positions = positions.flatMap { position in (0..<shape[axis]).map { position + $0 * strides[axis] } }
    }
    func offset(_ index: Int) -> Int { positions[index / channels] + index % channels * strides[inputAxis] }
    if shape.count == 2 { return (0..<channels).dropLast().map { (offset($0), offset($0 + 1)) } }
    let count = positions.count * channels
    let withinPositions = stride(from: 0, to: count, by: channels).flatMap { first in
      stride(from: first, to: first + channels - 1, by: 2).map { (offset($0), offset($0 + 1)) }
    }
    guard !channels.isMultiple(of: 2), positions.count > 1 else { return withinPositions }
    return withinPositions + stride(from: 0, to: count - 1, by: 2).map { (offset($0), offset($0 + 1)) }
  }

  /// Moves neighbours whose sum is too large towards zero until it is 128: each by half of the excess, the larger by the odd one. That is the nearest pair of
  /// codes that cannot saturate, up to the rounding; codes that already keep the limit stay.
  /// - Parameters:
  ///   - codes: whole numbers of magnitude at most 128, row-major.
  ///   - shape: the weight's shape.
  public func limit<Scalar: BinaryFloatingPoint>(_ codes: inout [Scalar], shape: [Int]) {
    let neighbours = neighbours(shape: shape)
    let stride = shape.rowMajorStrides[outputAxis]
    for first in Swift.stride(from: 0, to: shape[outputAxis] * stride, by: Swift.max(stride, 1)) {
      for (a, b) in neighbours { Self.limit(&codes, first + a, first + b) }
    }
  }

  @inline(__always)
  private static func limit<Scalar: BinaryFloatingPoint>(_ codes: inout [Scalar], _ a: Int, _ b: Int) {
    let (x, y) = (codes[a], codes[b])
    let excess = abs(x + y) - Scalar(limit)
    guard excess > 0 else { return }
    // Of opposite signs neither sum nor difference of two codes exceeds the limit: here both have one sign.
    let less = (excess / 2).rounded(.down)
    let (larger, smaller) = abs(x) >= abs(y) ? (a, b) : (b, a)
    let sign: Scalar = x > 0 ? 1 : -1
    codes[larger] -= sign * (excess - less)
    codes[smaller] -= sign * less
  }
}

extension Node {
  /// Which codes of a weight meet in 16 bits.
  /// - Parameters:
  ///   - port: the port that reads the weight.
  ///   - shape: the shape of what it reads.
  /// - Returns: the pairing; nil where no codes meet: in depthwise convolutions, whose kernels sum each product alone, and in layers that stay in floating
  ///   point.
  public func weightPairing(port: Int, shape: [Int]) -> WeightPairing? {
    guard port == 1, shape.count >= 2 else { return nil }
    switch op {
    case let convolution as Convolution:
      let isDepthwise = convolution.groups > 1 && shape[1] == 1 && shape[0] == convolution.groups
      return isDepthwise ? nil : WeightPairing(inputAxis: 1, outputAxis: 0)
    case let convolution as ConvolutionTranspose: return convolution.groups == 1 ? WeightPairing(inputAxis: 0, outputAxis: 1) : nil
    case let gemm as Gemm: return gemm.transposesB ? WeightPairing(inputAxis: 1, outputAxis: 0) : WeightPairing(inputAxis: 0, outputAxis: 1)
    case is MatMul: return shape.count == 2 ? WeightPairing(inputAxis: 0, outputAxis: 1) : nil
    default: return nil
    }
  }
}
