import QATGraph
import QATLowering

/// Decides for each operator of a lowered network what a runtime executes: which quantizer it merges into which layer, and what stays in floating point.
struct DeploymentCompiler {
  let lowered: LoweredGraph
  let graph: Graph
  let arithmetic: any RuntimeArithmetic
  let batchSize: Int
  let types: [TensorName: TensorType]
  let consumers: [TensorName: [Graph.Use]]
  let producers: [TensorName: Int]
  private let layers: Set<String>
  /// Names of the nodes that are part of an earlier step on integers.
  private var merged: Set<String> = []
  /// Names of the nodes that are part of an earlier step in floating point.
  private var mergedInFloat: Set<String> = []
  /// Names of the operators that compute on integers, or only move codes; complete when `compile` is done.
  private(set) var integerOperators: Set<String> = []

  init(_ lowered: LoweredGraph, _ arithmetic: any RuntimeArithmetic, batchSize: Int) throws(GraphError) {
    self.lowered = lowered
    self.arithmetic = arithmetic
    self.batchSize = batchSize
    graph = lowered.simulation
    types = try graph.tensorTypes(batchSize: batchSize)
    consumers = graph.consumers
    producers = graph.producers
    layers = Set(lowered.integerLayers.map(\.name))
  }

  mutating func compile() throws(GraphError) -> [any DeployedStep] {
    // What is computed within a layer runs in the addition's place, where both operands are there.
    var additions: [String: any DeployedStep] = [:]
    for branch in lowered.residualBranches where additions[branch.addition.name] == nil {
      do throws(ShapeError) {
        guard let step = try residualStep(branch) else { continue }
        additions[branch.addition.name] = step
        merged.formUnion([branch.layer.name, branch.quantizer.name])
      } catch {
        throw GraphError(node: branch.layer.name, error.description)
      }
    }
    var steps: [any DeployedStep] = []
    for node in graph.nodes where !merged.contains(node.name) && !mergedInFloat.contains(node.name) {
      do throws(ShapeError) {
        if let addition = additions[node.name] { steps.append(addition) } else { steps.append(try step(for: node)) }
      } catch {
        throw GraphError(node: node.name, error.description)
      }
    }
    integerOperators.formUnion(additions.keys)
    integerOperators.formUnion(merged)
    return steps
  }

  private mutating func step(for node: Node) throws(ShapeError) -> any DeployedStep {
    if let integer = try integerStep(for: node) {
      integerOperators.insert(node.name)
      return integer
    }
    let output = node.outputs[0]
    if node.op is FakeQuantize, let grid = lowered.activations[output] { return QuantizeStep(node.inputs[0], output, grid, arithmetic) }
    if let normalization = normalizationStep(node) { return normalization }
    if lowered.activations[output] != nil { integerOperators.insert(node.name) }
    do throws(GraphError) {
      return try FloatStep(node, moved: lowered.activations[output], batchSize: batchSize)
    } catch {
      throw ShapeError(error.reason)
    }
  }

  /// The step of an operator that the runtime computes on integers; nil for others.
  private mutating func integerStep(for node: Node) throws(ShapeError) -> (any DeployedStep)? {
    let tail = quantizedTail(of: node)
    func isQuantized(_ index: Int) -> Bool { lowered.activations[node.inputs[index]] != nil }
    switch node.op {
    case is Convolution where layers.contains(node.name), is Gemm where layers.contains(node.name), is MatMul where layers.contains(node.name):
      return try layerStep(node, tail)
    case is MatMul where isQuantized(0) && isQuantized(1): return matrixProductStep(node, tail)
    case is Add where isQuantized(0) && isQuantized(1) && haveEqualShapes(node.inputs):
      guard let tail, let a = lowered.activations[node.inputs[0]], let b = lowered.activations[node.inputs[1]],
        let addition = arithmetic.addition(a, b, to: tail.grid)
      else { return nil }
      merge(tail)
      return CombineStep(inputs: node.inputs, outputs: [tail.output], grid: tail.grid, combination: addition)
    case is Mul where isQuantized(0) && isQuantized(1) && haveEqualShapes(node.inputs):
      guard let tail, let a = lowered.activations[node.inputs[0]], let b = lowered.activations[node.inputs[1]],
        let product = arithmetic.multiplication(a, b, to: tail.grid)
      else { return nil }
      merge(tail)
      return CombineStep(inputs: node.inputs, outputs: [tail.output], grid: tail.grid, combination: product)
    case is GlobalAveragePool where isQuantized(0):
      guard let tail, let input = lowered.activations[node.inputs[0]], let shape = types[node.inputs[0]]?.shape(batchSize: batchSize) else {
        return nil
      }
      let plane = shape[2...].reduce(1, *)
      merge(tail)
      return AverageStep(
        inputs: node.inputs, outputs: [tail.output], grid: tail.grid, average: arithmetic.average(of: input, count: plane, to: tail.grid),
        plane: plane)
    default: return nil
    }
  }

  /// The step of a batch norm between codes; nil where the runtime's arithmetic is not known.
  private mutating func normalizationStep(_ node: Node) -> NormalizationStep? {
    let constants = node.inputs.dropFirst().compactMap { graph.tensor($0)?.floats }
    guard let norm = node.as(BatchNormalization.self), constants.count == 4, let input = lowered.activations[node.inputs[0]],
      let tail = quantizedTail(of: node)
    else { return nil }
    let values = NormalizationValues(
      gamma: constants[0], beta: constants[1], mean: constants[2], variance: constants[3], epsilon: norm.epsilon)
    guard let tables = arithmetic.normalization(values, of: input, to: tail.grid) else { return nil }
    mergedInFloat.formUnion(tail.nodes.map(\.name))
    return NormalizationStep(inputs: [node.inputs[0]], outputs: [tail.output], grid: tail.grid, tables: tables)
  }

  private func haveEqualShapes(_ names: [TensorName]) -> Bool { types[names[0]] == types[names[1]] }

  // MARK: What a runtime merges into an operator

  /// The rectifier and the quantizer behind an operator that nobody else looks at.
  struct Tail {
    var nodes: [Node]
    var output: TensorName
    var grid: ActivationCodes
  }

  /// Limits are those of the codes, so that what remains of a rectifier in front of a quantizer is nothing.
  func quantizedTail(of node: Node) -> Tail? {
    var nodes: [Node] = []
    var tensor = node.outputs[0]
    while let uses = consumers[tensor], uses.count == 1, !graph.outputs.contains(tensor) {
      let reader = graph.nodes[uses[0].node]
      nodes.append(reader)
      tensor = reader.outputs[0]
      switch reader.op {
      case is FakeQuantize: return lowered.activations[tensor].map { Tail(nodes: nodes, output: tensor, grid: $0) }
      case is Relu, is Clip: continue
      default: return nil
      }
    }
    return nil
  }

  mutating func merge(_ tail: Tail) { merged.formUnion(tail.nodes.map(\.name)) }
}
