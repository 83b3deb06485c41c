import QATEngine
import QATGraph
import QATLowering
import QATTensor
import RealModule

/// A lowered network as a runtime executes it: integer products, and between them the runtime's own arithmetic.
///
/// Shares no code with the plan that trains: what it computes is a second opinion on every exported file. Results are identical for every number of
/// threads, since sums of integers have no order.
public struct DeployedNetwork: Sendable {
  /// Whose arithmetic it is.
  public let target: Runtime
  /// Samples in a batch.
  public let batchSize: Int
  /// The lowered network's inputs.
  public let inputs: [Graph.Input]
  /// The lowered network's outputs.
  public let outputs: [TensorName]
  /// Names of the operators that the runtime computes on integers, or that only move codes; fake quantizers that it merges into them among these.
  public let integerOperators: Set<String>

  let steps: [any DeployedStep]
  private let constants: [TensorName: DeployedTensor]
  private let lastReaders: [Set<TensorName>]

  /// Compiles a lowered network.
  /// - Parameters:
  ///   - lowered: the network.
  ///   - target: the runtime.
  ///   - batchSize: samples in a batch.
  /// - Throws: `GraphError` when an operator cannot run at this batch size, or the target is `portable` and the network is not.
  public init(_ lowered: LoweredGraph, target: Runtime, batchSize: Int) throws(GraphError) {
    if target == .portable {
      do throws(LoweringError) { try lowered.requirePortability() } catch { throw GraphError(error.description) }
    }
    self.target = target
    self.batchSize = batchSize
    inputs = lowered.simulation.inputs
    outputs = lowered.simulation.outputs
    var compiler = try DeploymentCompiler(lowered, target.arithmetic, batchSize: batchSize)
    let steps = try compiler.compile()
    self.steps = steps
    integerOperators = target.computesOnIntegers ? compiler.integerOperators : []
    var constants: [TensorName: DeployedTensor] = [:]
    for name in steps.flatMap(\.inputs) {
      guard let tensor = lowered.simulation.tensor(name) else { continue }
      constants[name] = DeployedTensor(shape: tensor.shape, elements: .floats(NDArray<Float>(tensor).elements))
    }
    self.constants = constants
    // A tensor is let go behind its last reader.
    var lastReaders = [Set<TensorName>](repeating: [], count: steps.count)
    var read = Set(outputs)
    for (index, step) in steps.enumerated().reversed() {
      for name in step.inputs + step.outputs where read.insert(name).inserted { lastReaders[index].insert(name) }
    }
    self.lastReaders = lastReaders
  }

  /// Runs one batch.
  /// - Parameters:
  ///   - arrays: one array for each input, in its shape at this batch size.
  ///   - observe: called with every tensor that exists in the runtime, in order; what a runtime merges into a layer never exists.
  /// - Returns: the outputs by name.
  /// - Throws: `GraphError` when an input is missing or of another shape.
  public func run(
    _ arrays: [TensorName: NDArray<Float>], observe: (TensorName, DeployedTensor) -> Void = { _, _ in }
  ) throws(GraphError) -> [TensorName: DeployedTensor] {
    var tensors = constants
    for input in inputs {
      let expected = input.type.shape(batchSize: batchSize)
      guard let array = arrays[input.name], array.shape == expected else {
        throw GraphError("the input '\(input.name)' has \(arrays[input.name].map { "shape \($0.shape)" } ?? "no values"), expected \(expected)")
      }
      tensors[input.name] = DeployedTensor(shape: array.shape, elements: .floats(array.elements))
    }
    for (index, step) in steps.enumerated() {
      let absent = DeployedTensor(shape: [0], elements: .floats([]))
      let results = step.run(step.inputs.map { tensors[$0] ?? absent })
      for (name, tensor) in zip(step.outputs, results) {
        observe(name, tensor)
        tensors[name] = tensor
      }
      for name in lastReaders[index] { tensors[name] = nil }
    }
    return tensors.filter { outputs.contains($0.key) }
  }
}
