import QATGraph
import QATTensor

/// Reads a graph as formulas: what files spell with several operators where this project has one.
///
/// Between the nodes of a formula nobody else may look: every tensor inside it has one reader and is no output.
struct Idioms {
  private let graph: Graph
  private let producers: [TensorName: Int]
  private let consumers: [TensorName: [Graph.Use]]
  private let outputs: Set<TensorName>
  private let types: [TensorName: TensorType]

  /// Formulas of a graph; `types` are those of its tensors, as far as they are known.
  init(_ graph: Graph, _ types: [TensorName: TensorType] = [:]) {
    self.graph = graph
    self.types = types
    producers = graph.producers
    consumers = graph.consumers
    outputs = Set(graph.outputs)
  }

  /// The node inside a formula that makes `name`; nil when others read the tensor too.
  func inner(_ name: TensorName) -> Node? {
    guard consumers[name]?.count == 1, !outputs.contains(name) else { return nil }
    return producers[name].map { graph.nodes[$0] }
  }

  /// The node that makes `name`, whoever reads it.
  func producer(_ name: TensorName) -> Node? { producers[name].map { graph.nodes[$0] } }

  /// Whether one node reads `name`, once.
  func hasOneReader(_ name: TensorName) -> Bool { consumers[name]?.count == 1 }

  /// The input of the inner node that makes `name`, when that node's operator is `op`.
  func argument(_ name: TensorName, of op: some Operator) -> TensorName? {
    guard let node = inner(name), AnyHashable(node.op) == AnyHashable(op) else { return nil }
    return node.inputs[0]
  }

  /// A product of constant numbers and tensors, in any order and nesting.
  struct Product {
    /// The product of the numbers.
    var factor = 1.0
    /// The tensors.
    var tensors: [TensorName] = []
  }

  /// The product that `node` computes.
  func product(_ node: Node) -> Product {
    node.inputs.reduce(into: Product()) { result, name in
      let factors = factors(of: name)
      result.factor *= factors.factor
      result.tensors += factors.tensors
    }
  }

  /// `name` as a product: what a multiplication, a power or a change of sign inside the formula makes, else the tensor itself.
  private func factors(of name: TensorName) -> Product {
    if let number = number(name) { return Product(factor: number) }
    guard let node = inner(name) else { return Product(tensors: [name]) }
    if node.op is Pow, let exponent = number(node.inputs[1]), exponent == 2 || exponent == 3 {
      return Product(tensors: [TensorName](repeating: node.inputs[0], count: Int(exponent)))
    }
    if node.op is Mul { return product(node) }
    guard node.op is Neg else { return Product(tensors: [name]) }
    let negated = factors(of: node.inputs[0])
    return Product(factor: -negated.factor, tensors: negated.tensors)
  }

  /// Whether `name` is `factor` · `tensors`; the tensor itself when the factor is 1.
  func isProduct(_ name: TensorName, _ factor: Double, _ tensors: [TensorName]) -> Bool {
    if tensors == [name] { return isClose(factor, 1) }
    let product = factors(of: name)
    return isClose(product.factor, factor) && product.tensors.sorted() == tensors.sorted()
  }

  /// x of x + `value`.
  func augend(_ name: TensorName, _ value: Double) -> TensorName? {
    guard let node = inner(name), node.op is Add else { return nil }
    for (x, constant) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      if let number = number(constant), isClose(number, value) { return x }
    }
    return nil
  }

  /// A constant number. One that has more dimensions than a vector counts when no neighbour of it gets dimensions from it.
  func number(_ name: TensorName) -> Double? {
    guard let tensor = graph.tensor(name), tensor.count == 1, tensor.shape.count < 2 || addsNoDimensions(name, tensor.shape.count) else { return nil }
    return tensor.floats?.first.map(Double.init)
  }

  private func addsNoDimensions(_ name: TensorName, _ rank: Int) -> Bool {
    consumers[name, default: []].allSatisfy { use in
      graph.nodes[use.node].inputs.contains { $0 != name && types[$0].map { $0.rank >= rank } ?? false }
    }
  }

  /// The mean that `node` computes: pooling a whole image is the mean over its axes.
  func mean(_ node: Node) -> ReduceMean? {
    guard node.op is GlobalAveragePool, let rank = types[node.inputs[0]]?.rank else { return node.as(ReduceMean.self) }
    return ReduceMean(axes: Array(2..<rank))
  }

  /// Equality up to the rounding of a few float32 constants.
  func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-6 * abs(b) }
}
