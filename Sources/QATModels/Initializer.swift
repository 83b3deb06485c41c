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

  /// What one element of a weight [O, I, kH, kW] is counted among.
  public enum Fan: Sendable, Hashable {
    /// Inputs of one output: I · kH · kW.
    case fanIn
    /// Outputs of one input: O · kH · kW, as PyTorch counts, which ignores groups.
    case fanOut
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
      return Tensor((0..<shape.elementCount).map { bound * stream.uniform(at: $0) }, shape: shape)
    case .normal(let deviation):
      return Tensor((0..<shape.elementCount).map { deviation * stream.normal(at: $0) }, shape: shape)
    case .kaimingNormal(let fan):
      let window = shape.dropFirst(2).reduce(1, *)
      let count = window * (fan == .fanOut ? shape.first ?? 1 : shape.dropFirst().first ?? 1)
      return Self.normal(deviation: (2 / Float(max(count, 1))).squareRoot()).tensor(named: name, shape: shape, seed: seed)
    }
  }
}
