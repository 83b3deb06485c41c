import QATGraph
import QATTensor

/// A network written node by node, for what `NetworkBuilder` has no layers for: several inputs, integers, attention.
struct GraphSketch {
  private(set) var graph: Graph

  init(_ name: String, inputs: [(name: String, type: TensorType)]) {
    graph = Graph(name: name, inputs: inputs.map { Graph.Input(name: $0.name, type: $0.type) })
  }

  /// A node whose output has its name.
  mutating func node(_ op: some Operator, _ inputs: [TensorName], _ name: String) -> TensorName {
    graph.nodes.append(Node(name: name, op: op, inputs: inputs, outputs: [name]))
    return name
  }

  /// A trained constant, all of one value.
  @discardableResult
  mutating func parameter(_ name: String, _ shape: [Int], of value: Float = 0.5) -> TensorName {
    graph.constants[name] = Graph.Constant(Tensor(repeating: value, shape: shape), .parameter)
    return name
  }

  /// A constant integer.
  mutating func index(_ name: String, _ value: Int64) -> TensorName {
    graph.constants[name] = Graph.Constant(Tensor(shape: [], elements: .int64([value])), .fixed)
    return name
  }

  /// The network that returns `outputs`. Mutating, so that the nodes in the argument are added before the graph is read.
  mutating func finished(_ outputs: TensorName...) -> Graph {
    var result = graph
    result.outputs = outputs
    return result
  }

  // MARK: Parts of transformers

  /// Rows of a table.
  mutating func embedding(_ ids: TensorName, _ name: String, rows: Int, size: Int) -> TensorName {
    node(Gather(), [parameter("\(name).weight", [rows, size]), ids], name)
  }

  /// x W + b, as PyTorch exports a linear layer on [batch, tokens, features].
  mutating func linear(_ x: TensorName, _ name: String, _ inputs: Int, _ outputs: Int) -> TensorName {
    let product = node(MatMul(), [x, parameter("\(name).weight", [inputs, outputs])], "\(name).matmul")
    return node(Add(), [parameter("\(name).bias", [outputs]), product], "\(name).add")
  }

  mutating func layerNorm(_ x: TensorName, _ name: String, _ size: Int) -> TensorName {
    node(LayerNormalization(), [x, parameter("\(name).weight", [size]), parameter("\(name).bias", [size])], name)
  }

  /// Self-attention of two heads with its output projection: [batch, tokens, size] to the same.
  mutating func attention(_ x: TensorName, _ name: String, _ size: Int) -> TensorName {
    func heads(_ part: String, _ permutation: [Int]) -> TensorName {
      let y = linear(x, "\(name).\(part)", size, size)
      return node(
        Transpose(permutation: permutation), [node(Reshape(shape: [0, 0, 2, size / 2]), [y], "\(name).\(part).split")], "\(name).\(part).heads")
    }
    let (query, key, value) = (heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3]))
    let scaled = node(Div(), [node(MatMul(), [query, key], "\(name).scores"), parameter("\(name).root", [])], "\(name).scaled")
    let mixed = node(MatMul(), [node(Softmax(axis: -1), [scaled], "\(name).softmax"), value], "\(name).context")
    let joined = node(Transpose(permutation: [0, 2, 1, 3]), [mixed], "\(name).turned")
    return linear(node(Reshape(shape: [0, 0, size]), [joined], "\(name).joined"), "\(name).output", size, size)
  }

  mutating func feedForward(_ x: TensorName, _ name: String, _ size: Int) -> TensorName {
    linear(node(Gelu(), [linear(x, "\(name).in", size, 4 * size)], "\(name).gelu"), "\(name).out", 4 * size, size)
  }
}
