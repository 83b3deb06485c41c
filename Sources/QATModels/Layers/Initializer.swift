import QATTensor

/// How a parameter's values start.
///
/// Draws are a function of the seed, the parameter's name and the element's index, made with exact arithmetic only: the same on every machine, and not
/// moved by layers that come before.
public enum Initializer: Sendable, Hashable {
  /// Every element the same.
  case constant(Float)
  /// Evenly within ±`bound`.
  case uniform(bound: Float)
  /// Normal around 0.
  case normal(deviation: Float)
  /// Normal around 0 with variance 2 / fan, for layers before ReLUs. Source: He et al. 2015, arXiv:1502.01852.
  case kaimingNormal(Fan)
  /// Evenly within ±√(6 / fan), of the same variance.
  case kaimingUniform(Fan)
  /// Normal around 0 with variance 2 / (fan in + fan out), for layers without ReLUs. Source: Glorot and Bengio 2010.
  case xavierNormal
  /// Evenly within ±√(6 / (fan in + fan out)), of the same variance.
  case xavierUniform

  /// What one element of a weight [O, I, kH, kW] is counted among.
  public enum Fan: Sendable, Hashable {
    /// Inputs of one output: I · kH · kW.
    case fanIn
    /// Outputs of one input: O · kH · kW, as PyTorch counts, which ignores groups.
    case fanOut

    /// The count for a weight [O, I, ...], at least 1.
    fileprivate func count(of shape: [Int]) -> Float {
      let window = shape.dropFirst(2).reduce(1, *)
      return Float(max(window * (self == .fanOut ? shape.first ?? 1 : shape.dropFirst().first ?? 1), 1))
    }

    fileprivate static func both(of shape: [Int]) -> Float { fanIn.count(of: shape) + fanOut.count(of: shape) }
  }

  /// The initial values of one parameter.
  /// - Parameters:
  ///   - name: the parameter's name.
  ///   - shape: its shape.
  ///   - seed: the network's seed.
  /// - Returns: a float32 tensor.
  public func tensor(named name: String, shape: [Int], seed: UInt64) -> Tensor {
    let stream = DrawStream(seed: seed, name: name)
    switch self {
    case .constant(let value):
      return Tensor(repeating: value, shape: shape)
    case .uniform(let bound):
      return Tensor(stream.uniform(shape.elementCount, times: bound), shape: shape)
    case .normal(let deviation):
      return Tensor(stream.normal(shape.elementCount, times: deviation), shape: shape)
    case .kaimingNormal(let fan): return Self.normal(deviation: (2 / fan.count(of: shape)).squareRoot()).tensor(named: name, shape: shape, seed: seed)
    case .kaimingUniform(let fan): return Self.uniform(bound: (6 / fan.count(of: shape)).squareRoot()).tensor(named: name, shape: shape, seed: seed)
    case .xavierNormal: return Self.normal(deviation: (2 / Fan.both(of: shape)).squareRoot()).tensor(named: name, shape: shape, seed: seed)
    case .xavierUniform: return Self.uniform(bound: (6 / Fan.both(of: shape)).squareRoot()).tensor(named: name, shape: shape, seed: seed)
    }
  }
}
