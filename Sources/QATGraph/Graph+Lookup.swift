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
  public func uniqueName(_ candidate: String) -> String {
    var taken = Set(constants.keys)
    taken.formUnion(inputs.map(\.name))
    for node in nodes {
      taken.insert(node.name)
      taken.formUnion(node.outputs)
    }
    guard taken.contains(candidate) else { return candidate }
    var number = 1
    while taken.contains("\(candidate)_\(number)") { number += 1 }
    return "\(candidate)_\(number)"
  }

  /// A constant's tensor.
  public func tensor(_ name: TensorName) -> Tensor? { constants[name]?.tensor }
}
