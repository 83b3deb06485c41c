/// Names that neither a graph nor anybody who asked before has: constant time each, whatever the size of the graph.
public struct UniqueNames: Sendable {
  private var taken: Set<String>
  // The last number tried behind a candidate, so that a thousand names of one stem do not count from 1 each time.
  private var numbers: [String: Int] = [:]

  /// A supply that avoids nothing yet.
  public init() { taken = [] }

  /// A supply that avoids every name of `graph`: nodes, and tensors that are made, read or returned; but not those of the tensors `hidden`.
  public init(_ graph: Graph, without hidden: Set<TensorName> = []) {
    taken = Set(graph.constants.keys)
    taken.formUnion(graph.inputs.map(\.name))
    taken.formUnion(graph.outputs)
    for node in graph.nodes {
      taken.formUnion(node.inputs)
      taken.formUnion(node.outputs)
    }
    taken.subtract(hidden)
    taken.formUnion(graph.nodes.map(\.name))
  }

  /// Avoids `names` from now on.
  public mutating func take(_ names: some Sequence<String>) { taken.formUnion(names) }

  /// Whether a name is avoided.
  public func contains(_ name: String) -> Bool { taken.contains(name) }

  /// `candidate` when it is free, else `candidate_1`, `candidate_2` and so on. The name counts as taken from now on.
  public mutating func next(_ candidate: String) -> String {
    var name = candidate
    var number = numbers[candidate] ?? 0
    while !taken.insert(name).inserted {
      number += 1
      name = "\(candidate)_\(number)"
    }
    numbers[candidate] = number
    return name
  }
}
