import QATGraph
import QATLowering
import QATTensor

/// An operator that OpenVINO has layers for. Conformances stand in `Operators/`, one file a family.
protocol IRWritable: Operator {
  /// Adds the layers of `node`, and says where its outputs are.
  /// - Throws: `OpenVINOError` for what OpenVINO cannot say.
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError)
}

/// Writes a network node by node, in floating point or lowered.
struct IRWriter {
  typealias Port = IRBuilder.Port

  var builder: IRBuilder
  let graph: Graph
  let types: [TensorName: TensorType]
  let lowered: LoweredGraph?
  /// Names of the quantizers whose rounding OpenVINO would leave out.
  let guarded: Set<String>
  private let consumers: [TensorName: [Graph.Use]]
  private var ports: [TensorName: Port] = [:]
  private var names: UniqueNames
  private var batch: Port?

  /// A writer of `graph`; with `lowered` it is that network's simulation.
  init(_ graph: Graph, _ lowered: LoweredGraph?) throws(OpenVINOError) {
    do throws(GraphError) {
      types = try graph.validated().tensorTypes()
    } catch {
      throw OpenVINOError(node: error.node, error.reason)
    }
    self.graph = graph
    self.lowered = lowered
    guarded = Set(lowered?.residualBranches.map(\.quantizer.name) ?? [])
    consumers = graph.consumers
    names = UniqueNames(graph)
    builder = IRBuilder(name: graph.name)
    for input in graph.inputs { ports[input.name] = builder.parameter(input.name, input.type) }
  }

  /// Adds a node.
  mutating func write(_ node: Node) throws(OpenVINOError) {
    if let quantizer = node.as(FakeQuantize.self) { return try writeQuantizer(node, quantizer) }
    if try writeClipOfCodes(node) { return }
    guard let op = node.op as? any IRWritable else { throw OpenVINOError(node: node.name, "the operator \(node.type) has no layer in OpenVINO") }
    try op.write(node, to: &self)
  }

  /// Adds the outputs of the model.
  mutating func writeOutputs() throws(OpenVINOError) {
    for name in graph.outputs { builder.result(try read(name), name: name) }
  }

  // MARK: Reading

  /// Where the values of a tensor are; adds the constant if it is one.
  mutating func read(_ tensor: TensorName) throws(OpenVINOError) -> Port {
    if let port = ports[tensor] { return port }
    guard let constant = graph.tensor(tensor) else { throw OpenVINOError("nothing makes the tensor '\(tensor)'") }
    let port = weight(tensor, constant)
    ports[tensor] = port
    return port
  }

  /// Where the inputs of a node are. None may be absent.
  mutating func inputs(of node: Node) throws(OpenVINOError) -> [Port] {
    var result: [Port] = []
    for name in node.inputs { result.append(try read(name)) }
    return result
  }

  /// The dimensions of the tensor that `node` reads at `index`.
  func dimensions(of node: Node, _ index: Int = 0) -> [Dimension] { types[node.inputs[index]]?.dimensions ?? [] }

  /// The one reader of a tensor that is neither returned nor read by others.
  func onlyReader(of tensor: TensorName) -> Node? {
    guard let uses = consumers[tensor], uses.count == 1, !graph.outputs.contains(tensor) else { return nil }
    return graph.nodes[uses[0].node]
  }

  // MARK: Writing

  /// Says that a tensor of the network is what a port gives.
  mutating func bind(_ tensor: TensorName, to port: Port) {
    ports[tensor] = port
    builder.addName(tensor, to: port)
  }

  /// Adds a layer that makes the outputs of `node`, under the node's name.
  mutating func layer(_ type: String, opset: Int = 1, of node: Node, inputs: [Port], _ attributes: [IRAttribute] = []) {
    let outputs = node.outputs.map { name in
      IRBuilder.Output(elementType: types[name]?.elementType ?? .float32, dimensions: types[name]?.dimensions)
    }
    let made = builder.layer(type, opset: opset, name: node.name, inputs: inputs, attributes: attributes, outputs: outputs)
    for (name, port) in zip(node.outputs, made) { bind(name, to: port) }
  }

  /// Adds a layer inside the formula that stands for `node`.
  mutating func helper(
    _ type: String, opset: Int = 1, _ inputs: [Port], _ suffix: String, of node: Node, _ attributes: [IRAttribute] = [],
    elementType: ElementType = .float32
  ) -> Port {
    let name = names.next("\(node.name)/\(suffix)")
    return builder.layer(type, opset: opset, name: name, inputs: inputs, attributes: attributes, outputs: [.init(elementType: elementType)])[0]
  }

  /// Adds a constant of the formula that stands for `node`.
  mutating func constant(_ tensor: Tensor, _ suffix: String, of node: Node) -> Port {
    builder.constant(tensor, name: names.next("\(node.name)/\(suffix)"))
  }

  /// Adds a number.
  mutating func scalar(_ value: Float, _ suffix: String, of node: Node) -> Port { constant(Tensor([value], shape: []), suffix, of: node) }

  /// Adds a list of whole numbers: axes, shapes, orders.
  mutating func list(_ values: [Int], _ suffix: String, of node: Node) -> Port { constant(Tensor(int64: values.map(Int64.init)), suffix, of: node) }

  /// A list that holds `dimensions`: a constant, or where the batch is among them, put together when the model runs.
  /// - Throws: `OpenVINOError` when no input of the network tells the batch size.
  mutating func shape(_ dimensions: [Dimension], of node: Node) throws(OpenVINOError) -> Port {
    let sizes = dimensions.compactMap(\.fixedSize)
    if sizes.count == dimensions.count { return list(sizes, "shape", of: node) }
    var parts: [Port] = []
    for dimension in dimensions {
      switch dimension {
      case .fixed(let size): parts.append(list([size], "size", of: node))
      case .batch(let multiple):
        let batch = try batchSize(node)
        parts.append(
          multiple == 1 ? batch : helper("Multiply", [batch, list([multiple], "multiple", of: node)], "batch", of: node, elementType: .int64))
      }
    }
    return helper("Concat", parts, "shape", of: node, [.init("axis", 0)], elementType: .int64)
  }

  private mutating func batchSize(_ node: Node) throws(OpenVINOError) -> Port {
    if let batch { return batch }
    guard let input = graph.inputs.first(where: { $0.type.dimensions.first == .batch }) else {
      throw OpenVINOError(node: node.name, "its shape depends on the batch size, which no input of the network has first")
    }
    let shape = helper("ShapeOf", opset: 3, [try read(input.name)], "shape", of: node, [.init("output_type", "i64")], elementType: .int64)
    let first = [list([0], "first", of: node), constant(Tensor(shape: [], elements: .int64([0])), "axis", of: node)]
    let size = helper("Gather", opset: 8, [shape] + first, "batch", of: node, [.init("batch_dims", 0)], elementType: .int64)
    batch = size
    return size
  }
}
