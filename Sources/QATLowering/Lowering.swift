import QATGraph
import QATTensor

/// The walk that makes integers of a normalised graph, node by node in its order; layers are rounded when all of them are known.
struct Lowering {
  /// The normalised fake-quantized graph.
  let source: Graph
  let types: [TensorName: TensorType]
  let producers: [TensorName: Int]
  let consumers: [TensorName: [Graph.Use]]

  /// Nodes of the result so far.
  var nodes: [Node] = []
  /// Constants that differ from the source's or are new.
  var constants: [TensorName: Graph.Constant] = [:]
  /// Storage of the tensors on a grid so far.
  var activations: [TensorName: ActivationCodes] = [:]
  /// Integer layers so far, not rounded yet.
  var layers: [PendingLayer] = []
  /// Index in `layers` by the tensor that the layer makes.
  var layerIndices: [TensorName: Int] = [:]
  /// Tables of embeddings so far, by the name of the constant that holds their values.
  var tables: [TensorName: QuantizedWeight] = [:]
  /// Factors by which a depthwise convolution's input channels were divided, by the convolution's name and one an output channel.
  var inputFactors: [String: [Double]] = [:]
  /// Names of the batch norms that went into a layer.
  var foldedNormalizations: Set<String> = []
  /// Why a product stays float, by its name.
  var floatReasons: [String: String] = [:]
  /// Why a quantized tensor has no codes, by its name.
  var codelessReasons: [TensorName: String] = [:]
  var adjustments: [LoweredGraph.Adjustment] = []
  private var names: UniqueNames

  init(_ graph: Graph) throws(LoweringError) {
    source = graph
    do throws(GraphError) {
      types = try graph.tensorTypes()
    } catch {
      throw LoweringError(node: error.node, error.reason)
    }
    producers = graph.producers
    consumers = graph.consumers
    names = UniqueNames(graph)
    try checkConstants()
  }

  /// What is folded or rounded must be finite: a code of NaN would be silent nonsense.
  private func checkConstants() throws(LoweringError) {
    for node in source.nodes where node.op is FakeQuantize || node.op is BatchNormalization || node.isProduct {
      for name in node.inputs {
        guard let values = source.tensor(name)?.floats, let bad = values.first(where: { !$0.isFinite }) else { continue }
        throw LoweringError(
          node: node.name, "'\(name)' holds \(bad), expected finite values: the training diverged, take an earlier checkpoint", isNumerical: true)
      }
      if let quantizer = node.as(FakeQuantize.self), parameters(of: node) == nil {
        throw LoweringError(node: node.name, "a FakeQuantize (\(quantizer.mode)) needs constant float32 parameters, found \(node.inputs.dropFirst())")
      }
      if let norm = node.as(BatchNormalization.self), let variances = source.tensor(node.inputs[4])?.floats,
        let bad = variances.first(where: { $0 + norm.epsilon <= 0 })
      {
        throw LoweringError(
          node: node.name, "'\(node.inputs[4])' holds the variance \(bad), expected variance + epsilon above 0", isNumerical: true)
      }
    }
  }

  /// Values of a quantizer's parameters: [scale], or [input_low, input_range].
  func parameters(of quantizer: Node) -> [[Float]]? {
    let values = quantizer.inputs.dropFirst().compactMap { source.tensor($0)?.floats }
    return values.count == quantizer.inputs.count - 1 ? values : nil
  }

  /// The node that makes a tensor.
  func producer(of tensor: TensorName) -> Node? { producers[tensor].map { source.nodes[$0] } }

  /// Whether exactly one node reads the tensor and the network does not return it.
  func hasOneReader(_ tensor: TensorName) -> Bool { consumers[tensor]?.count == 1 && !source.outputs.contains(tensor) }

  /// `candidate`, numbered when it is taken; taken from now on.
  mutating func uniqueName(_ candidate: String) -> String { names.next(candidate) }

  mutating func note(_ node: Node, _ reason: String) {
    adjustments.append(LoweredGraph.Adjustment(node: node.name, reason: reason))
  }

  /// Adds what `node` becomes to the result.
  mutating func lower(_ node: Node) throws(LoweringError) {
    switch node.op {
    case is FakeQuantize where source.constants[node.inputs[0]] != nil: break  // A weight's: its readers take the values.
    case let quantizer as FakeQuantize: lowerActivationQuantizer(node, quantizer)
    case is BatchNormalization where foldedNormalizations.contains(node.name): break
    case _ where node.isProduct: lowerProduct(node)
    default: append(node)
    }
  }

  /// Adds a node that computes as it did.
  mutating func append(_ node: Node) {
    var result = node
    result.inputs = node.inputs.map { floatConstant($0) }
    nodes.append(result)
    if let codes = storeTable(of: node) ?? movedCodes(result) { activations[node.outputs[0]] = codes }
  }

  /// The storage of what an operator makes that only moves or selects values: that of its inputs.
  private func movedCodes(_ node: Node) -> ActivationCodes? {
    guard let codes = node.inputs.first.flatMap({ activations[$0] }) else { return nil }
    switch node.op {
    case is MaxPool, is Flatten, is Reshape, is Transpose, is Identity, is Slice, is Gather: return codes
    case let resize as Resize:
      if case .nearest = resize.interpolation { return codes }
      return nil
    // What is added must have a code: zero has one, and so has what stands there already.
    case let pad as Pad: if case .constant(let value) = pad.mode, value != 0 { return nil } else { return codes }
    case is Relu: return codes.withoutNegatives
    case is Concat: return node.inputs.allSatisfy { activations[$0] == codes } ? codes : nil
    default: return nil
    }
  }

  /// The name under which a float reader finds `tensor`: a quantized weight becomes a constant with the values that training saw.
  mutating func floatConstant(_ tensor: TensorName) -> TensorName {
    guard let node = producer(of: tensor), let quantizer = node.as(FakeQuantize.self), let constant = source.constants[node.inputs[0]],
      let values = constant.tensor.floats, let parameters = parameters(of: node)
    else { return tensor }
    let name = hasOneReader(node.inputs[0]) && hasOneReader(tensor) ? node.inputs[0] : tensor
    let grids = parameters[0].indices.map { quantizer.grid(parameters: parameters, at: $0) }
    let shape = constant.tensor.shape
    constants[name] = Graph.Constant(Tensor(quantizer.quantized(values, shape: shape, grids), shape: shape), constant.role)
    return name
  }
}

/// Why an operator cannot be integer.
struct FloatReason: Error {
  var text: String

  init(_ text: String) { self.text = text }
}
