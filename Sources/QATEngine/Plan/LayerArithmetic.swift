/// In which arithmetic quantized layers run in the forward pass.
public enum ForwardArithmetic: String, Sendable, Hashable, CaseIterable {
  /// On the integer codes, exactly, where a layer allows it and gains by it; in floats elsewhere.
  case integer
  /// On the floats for which the codes stand.
  case float
}

/// In which arithmetic a plan runs a convolution or linear layer forward.
public struct LayerArithmetic: Sendable, Hashable {
  /// The node's name.
  public var node: String
  /// Why it runs in floats; nil where it runs on integers.
  public var reasonForFloat: String?

  /// How a node runs.
  public init(node: String, reasonForFloat: String?) {
    self.node = node
    self.reasonForFloat = reasonForFloat
  }

  /// Whether it runs on integers.
  public var isInteger: Bool { reasonForFloat == nil }
}
