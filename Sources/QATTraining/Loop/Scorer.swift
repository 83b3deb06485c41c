import QATDeployment
import QATEngine
import QATGraph
import QATLowering

/// A network that gives scores for batches of samples.
protocol Scorer: AnyObject {
  /// Samples in a batch, at most.
  var batchSize: Int { get }

  /// Scores samples that stand one after the other, at most a batch of them, and lends the scores, a row a sample; rows beyond the samples hold anything.
  func withScores<Result>(of pixels: UnsafeBufferPointer<Float>, _ body: (UnsafeBufferPointer<Float>) -> Result) throws -> Result
}

/// Scores by a plan, with parameters that training moves.
final class PlanScorer: Scorer {
  private let plan: Plan
  private let input: TensorName
  private let output: TensorName

  init(_ graph: Graph, state: ModelState, output: TensorName, batchSize: Int) throws {
    plan = try Plan(graph, state: state, batchSize: batchSize, mode: .evaluation)
    input = graph.inputs[0].name
    self.output = output
  }

  var batchSize: Int { plan.batchSize }

  func withScores<Result>(of pixels: UnsafeBufferPointer<Float>, _ body: (UnsafeBufferPointer<Float>) -> Result) throws -> Result {
    // A last, smaller batch leaves old samples behind it; each sample's scores depend on that sample alone.
    _ = plan.input(input).update(fromContentsOf: pixels)
    plan.forward()
    return body(plan.output(output))
  }
}

/// Scores in the arithmetic of a runtime.
final class DeployedScorer: Scorer {
  private let network: DeployedNetwork
  private let input: Graph.Input
  private let output: TensorName

  init(_ lowered: LoweredGraph, in runtime: Runtime, output: TensorName, batchSize: Int) throws {
    network = try DeployedNetwork(lowered, target: runtime, batchSize: batchSize)
    input = network.inputs[0]
    self.output = output
  }

  var batchSize: Int { network.batchSize }

  func withScores<Result>(of pixels: UnsafeBufferPointer<Float>, _ body: (UnsafeBufferPointer<Float>) -> Result) throws -> Result {
    let shape = input.type.shape(batchSize: batchSize)
    let missing = shape.reduce(1, *) - pixels.count
    let samples = NDArray(Array(pixels) + [Float](repeating: 0, count: max(missing, 0)), shape: shape)
    let scores = try network.run([input.name: samples])[output]?.values.elements ?? []
    return scores.withUnsafeBufferPointer(body)
  }
}
