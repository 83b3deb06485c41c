/// Why a TensorFlow graph cannot be read or written: the place, what was found, and what to do about it.
public struct TensorFlowError: Error, Hashable, CustomStringConvertible {
  /// The file, when one is read or written.
  public var file: String?
  /// The node at fault, when it is one.
  public var node: String?
  /// What is wrong, in one sentence.
  public var reason: String
  /// Every operator of the file that this project cannot take; empty when the fault is another one.
  public var unsupported: [UnsupportedOperator] = []

  /// An operator in a file that has no counterpart here.
  public struct UnsupportedOperator: Sendable, Hashable, CustomStringConvertible {
    /// TensorFlow's operator.
    public var type: String
    /// Name of the node.
    public var node: String
    /// Why this use of a known operator cannot be taken; nil when the operator is unknown.
    public var reason: String?

    /// Operator and node in one line.
    public var description: String { "\(type) (node '\(node)')\(reason.map { ": \($0)" } ?? "")" }
  }

  /// An error of a file, or of a node in it.
  public init(file: String? = nil, node: String? = nil, _ reason: String) {
    self.file = file
    self.node = node
    self.reason = reason
  }

  init(unsupported: [UnsupportedOperator]) {
    self.init(unsupported.count == 1 ? "an operator is not supported" : "\(unsupported.count) operators are not supported")
    self.unsupported = unsupported
  }

  /// The place and the reason; unsupported operators one a line.
  public var description: String {
    let place = [file, node.map { "node '\($0)'" }].compactMap(\.self) + [reason]
    return place.joined(separator: ": ") + unsupported.map { "\n  \($0)" }.joined()
  }
}
