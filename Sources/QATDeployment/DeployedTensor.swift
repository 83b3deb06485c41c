import QATEngine
import QATLowering
import RealModule

/// A tensor of a deployed network: bytes on a grid, or floats. Row-major.
public struct DeployedTensor: Sendable, Hashable {
  /// Dimensions, outermost first.
  public var shape: [Int]
  /// The elements.
  public var elements: Elements

  /// Elements as a runtime holds them.
  public enum Elements: Sendable, Hashable {
    /// Codes; value = (code − zeroPoint) · scale.
    case codes([UInt8], ActivationCodes)
    /// Numbers.
    case floats([Float])
  }

  /// The bytes; nil for floats.
  public var codes: [UInt8]? { if case .codes(let codes, _) = elements { codes } else { nil } }

  /// The values: each code less the zero point as float32, times the scale.
  public var values: NDArray<Float> {
    switch elements {
    case .floats(let values): return NDArray(values, shape: shape)
    case .codes(let codes, let grid):
      let table = (0...255).map { Float($0 - grid.zeroPoint) * grid.scale }
      return NDArray(codes.map { table[Int($0)] }, shape: shape)
    }
  }
}
