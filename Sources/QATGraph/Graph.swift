import QATTensor

/// A network as a value: nodes in topological order, named tensors, and the constants they start from.
///
/// The fields can be edited freely; `validated()` says whether the result is a network. Everything that consumes a graph starts from a validated one.
public struct Graph: Sendable {
  /// What the file or the builder called the network.
  public var name: String
  /// Inputs in order, with their types. The first dimension of an image network is `.batch`.
  public var inputs: [Input]
  /// Names of the tensors the network returns, in order.
  public var outputs: [TensorName]
  /// Nodes; each comes after the nodes whose outputs it reads.
  public var nodes: [Node]
  /// Parameters, statistics and constants by tensor name.
  public var constants: [TensorName: Constant]

  /// An input of the network.
  public struct Input: Sendable, Hashable {
    /// The tensor's name.
    public var name: TensorName
    /// Its type.
    public var type: TensorType

    /// An input.
    public init(name: TensorName, type: TensorType) {
      self.name = name
      self.type = type
    }
  }

  /// A tensor that the network starts from rather than computes.
  public struct Constant: Sendable, Hashable {
    /// The value.
    public var tensor: Tensor
    /// What training does with it.
    public var role: Role

    /// What training does with a constant.
    public enum Role: Sendable, Hashable {
      /// Trained by gradients: weights, biases, batch norm's gamma and beta, scales of quantizers.
      case parameter
      /// Updated by the forward pass in training: batch norm's running mean and variance.
      case statistic
      /// Never changed.
      case fixed
    }

    /// A constant.
    public init(_ tensor: Tensor, _ role: Role) {
      self.tensor = tensor
      self.role = role
    }
  }

  /// A graph; empty unless parts are given.
  public init(
    name: String, inputs: [Input] = [], outputs: [TensorName] = [], nodes: [Node] = [], constants: [TensorName: Constant] = [:]
  ) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.nodes = nodes
    self.constants = constants
  }
}

/// Why a graph is not a network: the place and the reason.
public struct GraphError: Error, Hashable, CustomStringConvertible {
  /// The node at fault, when it is one.
  public var node: String?
  /// One sentence.
  public var reason: String

  /// An error at a node, or of the whole graph.
  public init(node: String? = nil, _ reason: String) {
    self.node = node
    self.reason = reason
  }

  /// The reason, after the node's name where there is one.
  public var description: String { node.map { "node '\($0)': \(reason)" } ?? reason }
}
