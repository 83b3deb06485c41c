import QATGraph
import QATTensor
import RealModule

/// Runs and differentiates a whole graph with the plain kernels: what the network means, slowly.
public struct ReferenceExecutor<S: Real & BinaryFloatingPoint & Sendable> {
  /// Number of samples in a batch.
  public let batchSize: Int
  /// The constants the graph starts from; change them to run it with other values.
  public var constants: [TensorName: NDArray<S>]
  /// After `forward`: the value of every tensor.
  public private(set) var values: [TensorName: NDArray<S>] = [:]
  /// After `forward` in training: what the batch says about each running statistic (mean, unbiased variance), by the statistic's name.
  public private(set) var batchStatistics: [TensorName: NDArray<S>] = [:]

  private let graph: Graph
  private let kernels: [any ReferenceKernel]
  private let types: [TensorName: TensorType]
  private let seed: UInt64
  private var contexts: [KernelContext] = []

  /// Makes a graph ready to run.
  /// - Parameters:
  ///   - graph: the network.
  ///   - batchSize: samples in a batch.
  ///   - seed: the run's seed, for dropout.
  /// - Throws: `GraphError` when the graph is no network or an operator has no kernel.
  public init(_ graph: Graph, batchSize: Int, seed: UInt64 = 0) throws(GraphError) {
    try graph.validated()
    var kernels: [any ReferenceKernel] = []
    for node in graph.nodes { kernels.append(try requireKernel(for: node)) }
    self.graph = graph
    self.batchSize = batchSize
    self.kernels = kernels
    self.seed = seed
    types = try graph.tensorTypes(batchSize: batchSize)
    constants = graph.constants.mapValues { NDArray($0.tensor) }
  }

  /// Computes every tensor.
  /// - Parameters:
  ///   - inputs: one array for each input of the graph, in its shape at this batch size.
  ///   - mode: training or evaluation.
  ///   - step: number of the step, for dropout.
  /// - Returns: the values of all tensors by name: inputs, constants and what the nodes made.
  /// - Throws: `GraphError` when an input is missing or of another shape.
  @discardableResult
  public mutating func forward(_ inputs: [TensorName: NDArray<S>], mode: Plan.Mode, step: UInt64 = 0) throws(GraphError) -> [TensorName: NDArray<S>] {
    values = constants
    batchStatistics = [:]
    contexts = graph.nodes.indices.map { KernelContext(mode: mode, seed: seed, step: step, node: $0, batchSize: batchSize) }
    for input in graph.inputs {
      let expected = input.type.shape(batchSize: batchSize)
      guard let array = inputs[input.name] else { throw GraphError("the input '\(input.name)' of shape \(expected) is missing") }
      guard array.shape == expected else { throw GraphError("the input '\(input.name)' has shape \(array.shape), expected \(expected)") }
      values[input.name] = array
    }
    for (index, node) in graph.nodes.enumerated() {
      let result = kernels[index].run(node.inputs.map { values[$0] }, contexts[index])
      for (name, array) in zip(node.outputs, result.outputs) { values[name] = array }
      for (port, statistic) in result.statistics { batchStatistics[node.inputs[port]] = statistic }
    }
    return values
  }

  /// Computes gradients for the values of the last `forward`.
  /// - Parameter outputGradients: gradients of the loss with respect to tensors it reads, usually outputs of the graph, in their shapes.
  /// - Returns: the gradient with respect to every tensor that the loss depends on and that has one, by name: parameters, inputs, and all between.
  /// - Throws: `GraphError` when `forward` has not run, or a gradient is for no tensor or of another shape.
  public func backward(outputGradients: [TensorName: NDArray<S>]) throws(GraphError) -> [TensorName: NDArray<S>] {
    if contexts.count != graph.nodes.count { throw GraphError("backward needs the values of a forward pass, which has not run") }
    for (name, gradient) in outputGradients {
      guard let value = values[name] else { throw GraphError("a gradient is given for the tensor '\(name)', which does not exist") }
      guard gradient.shape == value.shape else { throw GraphError("the gradient of '\(name)' has shape \(gradient.shape), expected \(value.shape)") }
    }
    var gradients = outputGradients
    for (index, node) in graph.nodes.enumerated().reversed() {
      if node.outputs.allSatisfy({ gradients[$0] == nil }) { continue }
      let outputs = node.outputs.compactMap { values[$0] }
      let upstream = zip(node.outputs, outputs).map { gradients[$0] ?? NDArray(repeating: 0, shape: $1.shape) }
      let inputGradients = kernels[index].differentiate(node.inputs.map { values[$0] }, outputs, upstream, contexts[index])
      for (name, gradient) in zip(node.inputs, inputGradients) {
        // A tensor that several nodes read, or one node reads twice, gets the sum.
        if let gradient { gradients[name, default: NDArray(repeating: 0, shape: gradient.shape)].add(gradient) }
      }
    }
    return gradients
  }
}

extension ReferenceKernel {
  /// `forward`, by the way that is compiled for Float and Double.
  fileprivate func run<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    if let floats = inputs as? [NDArray<Float>?], let result = forwardInFloat(floats, context) as? KernelResult<S> { return result }
    if let doubles = inputs as? [NDArray<Double>?], let result = forwardInDouble(doubles, context) as? KernelResult<S> { return result }
    return forward(inputs, context)
  }

  /// `backward`, likewise.
  fileprivate func differentiate<S>(
    _ inputs: [NDArray<S>?], _ outputs: [NDArray<S>], _ gradients: [NDArray<S>], _ context: KernelContext
  ) -> [NDArray<S>?] {
    if let inputs = inputs as? [NDArray<Float>?], let outputs = outputs as? [NDArray<Float>], let gradients = gradients as? [NDArray<Float>],
      let result = backwardInFloat(inputs: inputs, outputs: outputs, outputGradients: gradients, context) as? [NDArray<S>?]
    {
      return result
    }
    return backward(inputs: inputs, outputs: outputs, outputGradients: gradients, context)
  }
}
