import QATGraph
import QATTensor

/// A graph that the reader of a file puts together node by node, with the type of every tensor at hand.
///
/// Files come from anywhere: nothing is added whose shape does not fit, that is empty, or that is larger than anything a machine holds.
package struct GraphAssembly {
  /// The graph so far.
  package var graph: Graph
  /// Types of the graph's tensors so far.
  package private(set) var types: [TensorName: TensorType] = [:]
  /// Elements that constant folding may still make; bounds what a small file can make of itself.
  package var foldingBudget: Int
  private var names = UniqueNames()

  /// An empty graph.
  package init(name: String, foldingBudget: Int) {
    graph = Graph(name: name)
    self.foldingBudget = foldingBudget
  }

  // MARK: Names

  /// Keeps `names` for tensors that are still to come.
  package mutating func take(_ names: some Sequence<String>) { self.names.take(names) }

  /// A name that nothing in the file or the graph has.
  package mutating func uniqueName(_ candidate: String) -> String { names.next(candidate) }

  // MARK: Tensors

  /// Adds an input.
  package mutating func add(_ input: Graph.Input) {
    graph.inputs.append(input)
    types[input.name] = input.type
    names.take([input.name])
  }

  /// Adds a constant under `name`, or under a new name when that one holds another value or plays another role.
  /// - Returns: the name it has.
  package mutating func add(_ tensor: Tensor, named name: String, _ role: Graph.Constant.Role) -> TensorName {
    var free = name
    var number = 1
    while true {
      if let known = graph.constants[free] {
        if known.role == role && known.tensor == tensor { return free }
      } else if free == name ? types[name] == nil : !names.contains(free) {
        graph.constants[free] = Graph.Constant(tensor, role)
        types[free] = TensorType(tensor)
        names.take([free])
        return free
      }
      free = "\(name)_\(number)"
      number += 1
    }
  }

  /// Adds a node; the types of its outputs become known.
  /// - Throws: `ShapeError` when the operator cannot take the inputs, or an output would be empty or too large.
  package mutating func append(_ node: Node) throws(ShapeError) {
    let kind = type(of: node.op)
    guard kind.inputCount.contains(node.inputs.count) else {
      throw ShapeError("\(kind.type) takes \(kind.inputCountDescription), found \(node.inputs.count)")
    }
    for (name, type) in zip(node.outputs, try node.op.outputTypes(for: node.inputs.map { types[$0] })) {
      try Self.check(type, of: name)
      guard !type.dimensions.contains(0) else { throw ShapeError("its output '\(name)' would be empty: \(type)") }
      types[name] = type
    }
    graph.nodes.append(node)
  }

  /// Refuses a type that no machine holds.
  package static func check(_ type: TensorType, of name: String) throws(ShapeError) {
    guard type.rank <= 64, type.dimensions.boundedElementCount != nil else {
      throw ShapeError("its output '\(name)' would be too large: \(type)")
    }
  }

  // MARK: Constants

  /// Takes `count` elements from what constant folding may make.
  package mutating func spend(_ count: Int) throws(ShapeError) {
    guard count <= foldingBudget else { throw ShapeError("it computes a constant of \(count) elements, out of proportion to the file") }
    foldingBudget -= count
  }

  /// Computes an operator on constants.
  /// - Returns: its first output; nil when it cannot be computed now, or is made for each sample of a batch.
  /// - Throws: `ShapeError` when the operator cannot take the constants, or its result is too large.
  package mutating func evaluate(_ op: any Operator, _ constants: [Tensor]) throws(ShapeError) -> Tensor? {
    guard let evaluable = op as? any EvaluableOperator else { return nil }
    let result = try op.outputTypes(for: constants.map { TensorType($0) })
    guard let type = result.first, type.dimensions.allSatisfy({ $0.fixedSize != nil }) else { return nil }
    guard type.rank <= 64, type.dimensions.boundedElementCount != nil else { throw ShapeError("its output would be too large: \(type)") }
    try spend(type.shape(batchSize: 1).elementCount)
    guard let value = evaluable.evaluate(constants)?.first else { throw ShapeError("it computes an integer that is too large") }
    return value
  }
}
