import QATGraph
import QATTensor

/// Builds an image network layer by layer: each call adds one node and returns its output, the way a PyTorch module's `forward` reads.
///
/// A layer's name is its path in dotted form (`layer1.0.conv1`). Its node and its output tensor have this name; its parameters have PyTorch's names
/// behind it (`layer1.0.conv1.weight`, `layer1.0.bn1.running_mean`), so that checkpoints and configurations carry over.
///
/// ```swift
/// var net = NetworkBuilder(name: "tiny", input: [1, 28, 28])
/// var x = net.convolution(net.input, "conv1", channels: 8, kernel: 3, stride: 2, pad: 1)
/// x = net.relu(net.batchNormalization(x, "bn1"), "relu")
/// x = net.linear(net.flatten(net.globalAveragePool(x, "avgpool"), "flatten"), "fc", features: 10)
/// let graph = net.graph(output: x)
/// ```
///
/// Layers that do not fit their input are a mistake in the program that builds, and stop it with the layer's name.
public struct NetworkBuilder {
  /// The output of a layer.
  public struct Value: Sendable, Hashable {
    /// The tensor's name.
    public let name: TensorName
    /// The tensor's type.
    public let type: TensorType

    /// Size of axis 1: channels of an image, features of a matrix.
    public var channels: Int { type.dimensions.count > 1 ? type.dimensions[1].fixedSize ?? 0 : 0 }
    /// Size of the last axis: features of a matrix or of tokens.
    public var features: Int { type.dimensions.last?.fixedSize ?? 0 }
  }

  /// The network's input.
  public let input: Value
  /// Seed of the initial weights. A parameter's values depend on the seed and on its own name and shape, on nothing else.
  public let seed: UInt64
  /// How all parameters start, instead of as their layers say; nil for that.
  public let weights: Initializer?
  /// Whether the first fault is kept in `fault` instead of stopping the program.
  var collectsFaults = false
  private(set) var fault: GraphError?
  var graph: Graph

  /// A network without layers.
  /// - Parameters:
  ///   - name: what the graph is called.
  ///   - input: shape of one sample, [channels, height, width].
  ///   - inputName: name of the input tensor.
  ///   - seed: seed of the initial weights.
  ///   - weights: how all parameters start, instead of as their layers say: `.constant(0)` where they are loaded afterwards, which saves the draws.
  public init(name: String, input: [Int], inputName: TensorName = "input", seed: UInt64 = 0, weights: Initializer? = nil) {
    self.init(name: name, type: TensorType([.batch] + input.map(Dimension.fixed)), inputName: inputName, seed: seed, weights: weights)
  }

  /// A network without layers whose input is no image, such as token numbers.
  /// - Parameters:
  ///   - name: what the graph is called.
  ///   - type: the input's type, the batch first.
  ///   - inputName: name of the input tensor.
  ///   - seed: seed of the initial weights.
  ///   - weights: how all parameters start, instead of as their layers say.
  public init(name: String, type: TensorType, inputName: TensorName = "input", seed: UInt64 = 0, weights: Initializer? = nil) {
    self.weights = weights
    self.input = Value(name: inputName, type: type)
    self.seed = seed
    graph = Graph(name: name, inputs: [Graph.Input(name: inputName, type: type)])
  }

  /// The finished network. Mutating only so that the last layer may be written as the argument.
  /// - Parameters:
  ///   - output: what it returns.
  ///   - name: name of the output tensor in the graph; the layer's own name when nil.
  /// - Returns: the graph.
  public mutating func graph(output: Value, named name: TensorName? = nil) -> Graph {
    var result = graph
    let final = name ?? output.name
    for index in result.nodes.indices where final != output.name {
      result.nodes[index].inputs = result.nodes[index].inputs.map { $0 == output.name ? final : $0 }
      result.nodes[index].outputs = result.nodes[index].outputs.map { $0 == output.name ? final : $0 }
    }
    result.outputs = [final]
    return result
  }

  /// Adds any operator with one output.
  /// - Parameters:
  ///   - op: the operator.
  ///   - inputs: the outputs of the layers it reads.
  ///   - name: the layer's name.
  ///   - parameters: tensors it reads after `inputs`, by the name behind the layer's name.
  /// - Returns: its output.
  public mutating func add(
    _ op: some Operator, _ inputs: [Value], _ name: String, parameters: [(suffix: String, constant: Graph.Constant)] = []
  ) -> Value {
    if graph.node(named: name) != nil { return faulty(inputs, name, "the network has another layer of this name: name one of them") }
    var names = inputs.map(\.name)
    var types = inputs.map(\.type)
    for (suffix, constant) in parameters {
      graph.constants["\(name).\(suffix)"] = constant
      names.append("\(name).\(suffix)")
      types.append(TensorType(constant.tensor))
    }
    graph.nodes.append(Node(name: name, op: op, inputs: names, outputs: [name]))
    do throws(ShapeError) {
      return Value(name: name, type: try op.outputTypes(for: types)[0])
    } catch {
      return faulty(inputs, name, "the layer does not fit its input: \(error)")
    }
  }

  /// Ends the program with what is wrong with a layer, or keeps it and goes on with anything.
  private mutating func faulty(_ inputs: [Value], _ name: String, _ reason: String) -> Value {
    guard collectsFaults else { preconditionFailure("the layer '\(name)' of the network '\(graph.name)': \(reason)") }
    if fault == nil { fault = GraphError(node: name, reason) }
    return inputs.first ?? input
  }

  /// A trained tensor by its full name, as a value that layers read.
  /// - Parameters:
  ///   - name: the tensor's name.
  ///   - initializer: how it starts.
  ///   - shape: its shape.
  /// - Returns: the tensor.
  public mutating func parameter(named name: TensorName, _ initializer: Initializer, shape: [Int]) -> Value {
    constant(named: name, Graph.Constant((weights ?? initializer).tensor(named: name, shape: shape, seed: seed), .parameter))
  }

  /// A tensor that never changes, as a value that layers read.
  public mutating func fixed(named name: TensorName, _ tensor: Tensor) -> Value { constant(named: name, Graph.Constant(tensor, .fixed)) }

  private mutating func constant(named name: TensorName, _ constant: Graph.Constant) -> Value {
    graph.constants[name] = constant
    return Value(name: name, type: TensorType(constant.tensor))
  }

  /// A trained parameter of the layer `layer` with its initial values.
  func parameter(_ layer: String, _ suffix: String, _ initializer: Initializer, shape: [Int]) -> (suffix: String, constant: Graph.Constant) {
    (suffix, Graph.Constant((weights ?? initializer).tensor(named: "\(layer).\(suffix)", shape: shape, seed: seed), .parameter))
  }
}
