import QATTensor

/// Moves channels into space: [N, C · b², H, W] becomes [N, C, H · b, W · b]. Source: ONNX operator DepthToSpace; PyTorch's PixelShuffle is column-row-depth.
public struct DepthToSpace: Operator {
  /// ONNX's name.
  public static let type = "DepthToSpace"
  /// x.
  public static let inputCount = 1...1

  /// How a channel's index is made of the place in the block and the channel of the output.
  public enum Order: String, Sendable, Hashable {
    /// The place in the block first.
    case depthColumnRow = "DCR"
    /// The channel first.
    case columnRowDepth = "CRD"
  }

  /// Height and width of a block. At least 1.
  public var blockSize: Int
  /// How channels are counted.
  public var order: Order

  /// A movement into space.
  public init(blockSize: Int, order: Order = .depthColumnRow) {
    self.blockSize = blockSize
    self.order = order
  }

  /// [N, C, H · b, W · b].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try image(inputs, blockSize)
    guard let channels = x.dimensions[1].divided(by: .fixed(blockSize * blockSize)), channels.fixedSize != nil,
      let height = x.dimensions[2].multiplied(by: .fixed(blockSize)), let width = x.dimensions[3].multiplied(by: .fixed(blockSize))
    else { throw ShapeError("DepthToSpace cannot make blocks of \(blockSize)×\(blockSize) of the channels of \(x)") }
    return [TensorType([x.dimensions[0], channels, height, width], x.elementType)]
  }
}

/// Moves blocks of space into channels: [N, C, H · b, W · b] becomes [N, b² · C, H, W], the place in the block first. Source: ONNX operator SpaceToDepth.
public struct SpaceToDepth: Operator {
  /// ONNX's name.
  public static let type = "SpaceToDepth"
  /// x.
  public static let inputCount = 1...1
  /// Height and width of a block. At least 1.
  public var blockSize: Int

  /// A movement into channels.
  public init(blockSize: Int) { self.blockSize = blockSize }

  /// [N, b² · C, H, W].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try image(inputs, blockSize)
    guard let channels = x.dimensions[1].multiplied(by: .fixed(blockSize * blockSize)),
      let height = x.dimensions[2].divided(by: .fixed(blockSize)), let width = x.dimensions[3].divided(by: .fixed(blockSize))
    else { throw ShapeError("SpaceToDepth cannot cut \(x) into blocks of \(blockSize)×\(blockSize)") }
    return [TensorType([x.dimensions[0], channels, height, width], x.elementType)]
  }
}

extension Operator {
  /// The one input, an image with fixed channels, height and width, when `blockSize` is a size.
  fileprivate func image(_ inputs: [TensorType?], _ blockSize: Int) throws(ShapeError) -> TensorType {
    let x = try present(inputs, 0, "x")
    guard (1...1 << 20).contains(blockSize) else { throw ShapeError("\(Self.type) has blocks of \(blockSize), expected 1 to 2^20") }
    guard x.rank == 4, x.dimensions[1...].allSatisfy({ $0.fixedSize != nil }) else {
      throw ShapeError("\(Self.type) needs [batch, channels, height, width] with only the batch open, found \(x)")
    }
    return x
  }
}
