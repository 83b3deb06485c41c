/// Why a fake-quantized graph cannot become integers: the place and the reason.
public struct LoweringError: Error, Hashable, CustomStringConvertible {
  /// The node at fault, when it is one.
  public var node: String?
  /// What was found, what was expected and what to do, in one sentence.
  public var reason: String
  /// Whether numbers that training left are at fault; else the network is, or what was asked for.
  public var isNumerical: Bool

  /// An error at a node, or of the whole graph.
  public init(node: String? = nil, _ reason: String, isNumerical: Bool = false) {
    self.isNumerical = isNumerical
    self.node = node
    self.reason = reason
  }

  /// The place and the reason.
  public var description: String { node.map { "node '\($0)': \(reason)" } ?? reason }
}
