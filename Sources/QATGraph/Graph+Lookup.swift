import QATTensor

extension Graph {
  /// Index of the node that makes each computed tensor.
  public var producers: [TensorName: Int] {
    var result: [TensorName: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for output in node.outputs { result[output] = index }
    }
    return result
  }

  /// Every place that reads each tensor, in node order.
  public var consumers: [TensorName: [Use]] {
    var result: [TensorName: [Use]] = [:]
    for (index, node) in nodes.enumerated() {
      for (port, input) in node.inputs.enumerated() where !input.isEmpty { result[input, default: []].append(Use(node: index, port: port)) }
    }
    return result
  }

  /// One place where a tensor is read.
  public struct Use: Sendable, Hashable {
    /// Index of the reading node.
    public var node: Int
    /// Which of its inputs.
    public var port: Int
  }

  /// The node named `name`.
  public func node(named name: String) -> Node? { nodes.first { $0.name == name } }

  /// `candidate`, or with the first free number behind it when a tensor or node of that name exists.
  ///
  /// Looks through the whole graph. Who needs many names takes them from one `UniqueNames`.
  public func uniqueName(_ candidate: String) -> String {
    var names = UniqueNames(self)
    return names.next(candidate)
  }

  /// A constant's tensor.
  public func tensor(_ name: TensorName) -> Tensor? { constants[name]?.tensor }
}
