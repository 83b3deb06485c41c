/// The name of a tensor, unique in its graph; it survives from import to export.
public typealias TensorName = String

/// One operator applied to named tensors.
public struct Node: Sendable {
  /// Unique in the graph and never empty. Scopes of a configuration match it, and messages show it.
  public var name: String
  /// What the node computes.
  public var op: any Operator
  /// Names of the inputs; an empty name stands for an absent optional input.
  public var inputs: [TensorName]
  /// Names of the outputs.
  public var outputs: [TensorName]

  /// A node.
  public init(name: String, op: any Operator, inputs: [TensorName], outputs: [TensorName]) {
    self.name = name
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
  }

  /// The operator's type, such as `Conv`.
  public var type: String { Swift.type(of: op).type }

  /// The operator as a `Kind`, or nil when it is another one: `node.as(Convolution.self)?.groups`.
  public func `as`<Kind: Operator>(_ kind: Kind.Type) -> Kind? { op as? Kind }
}
