import QATGraph

/// A graph as placement sees it: what depends on the network's inputs is live, everything else counts as constant.
struct LiveGraph {
  let graph: Graph
  let types: [TensorName: TensorType]
  /// Tensors that depend on an input of the network.
  let liveTensors: Set<TensorName>
  /// Indices of the nodes that read each tensor, without repetition, in node order; only live nodes.
  let readers: [TensorName: [Int]]
  /// Each node's class.
  let classes: [OperatorClass]
  let outputs: Set<TensorName>
  /// Index of the node that makes each computed tensor.
  let producers: [TensorName: Int]

  /// - Throws: `GraphError` when the graph is no network.
  init(_ graph: Graph) throws(GraphError) {
    self.graph = graph
    let types = try graph.validated().tensorTypes()
    var live = Set(graph.inputs.map(\.name))
    var readers: [TensorName: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() where node.inputs.contains(where: live.contains) {
      live.formUnion(node.outputs)
      for name in Set(node.inputs) where !name.isEmpty { readers[name, default: []].append(index) }
    }
    self.types = types
    self.readers = readers
    liveTensors = live
    classes = graph.nodes.map { OperatorClass.of($0, types: types, live: live) }
    outputs = Set(graph.outputs)
    producers = graph.producers
  }

  func isLive(_ node: Node) -> Bool { node.outputs.contains(where: liveTensors.contains) }

  /// The live tensors that a node reads.
  func liveInputs(_ index: Int) -> Set<TensorName> { Set(graph.nodes[index].inputs.filter(liveTensors.contains)) }

  /// The convolutions that an input reaches without passing another: those to which `first_layer_only` applies.
  var firstConvolutions: Set<String> {
    var reached = Set(graph.inputs.map(\.name))
    var result = Set<String>()
    for node in graph.nodes where node.inputs.contains(where: reached.contains) {
      if node.op is Convolution { result.insert(node.name) } else { reached.formUnion(node.outputs) }
    }
    return result
  }
}
