import QATData
import QATDeployment
import QATEngine
import QATGraph
import QATLowering

/// A network that gives scores for batches of samples.
protocol Scorer: AnyObject {
  /// Samples in a batch, at most.
  var batchSize: Int { get }

  /// Scores the samples of a batch, and lends the scores, a row a sample; rows beyond the samples hold anything.
  func withScores<Result>(of batch: LoadedBatch, _ body: (UnsafeBufferPointer<Float>) throws -> Result) throws -> Result
}

/// Scores by a plan, with parameters that training moves.
final class PlanScorer: Scorer {
  private let plan: Plan
  private let binding: InputBinding
  private let output: TensorName

  // `other` is a plan at rest, whose memory this one uses.
  init(
    _ graph: Graph, state: ModelState, arithmetic: ForwardArithmetic, binding: InputBinding, output: TensorName, batchSize: Int, sharing other: Plan?
  ) throws {
    plan = try Plan(graph, state: state, batchSize: batchSize, mode: .evaluation, arithmetic: arithmetic, sharingMemoryOf: other)
    self.binding = binding
    self.output = output
  }

  var batchSize: Int { plan.batchSize }

  func withScores<Result>(of batch: LoadedBatch, _ body: (UnsafeBufferPointer<Float>) throws -> Result) throws -> Result {
    // A last, smaller batch leaves old samples behind it; each sample's scores depend on that sample alone.
    binding.feed(batch, to: plan)
    plan.forward()
    return try body(plan.output(output))
  }
}

/// Scores in the arithmetic of a runtime.
final class DeployedScorer: Scorer {
  private let network: DeployedNetwork
  private let binding: InputBinding
  private let output: TensorName

  init(_ lowered: LoweredGraph, in runtime: Runtime, binding: InputBinding, output: TensorName, batchSize: Int) throws {
    network = try DeployedNetwork(lowered, target: runtime, batchSize: batchSize)
    self.binding = binding
    self.output = output
  }

  var batchSize: Int { network.batchSize }

  func withScores<Result>(of batch: LoadedBatch, _ body: (UnsafeBufferPointer<Float>) throws -> Result) throws -> Result {
    let types = Dictionary(uniqueKeysWithValues: network.inputs.map { ($0.name, $0.type) })
    var samples: [TensorName: NDArray<Float>] = [:]
    for feed in binding.feeds {
      let values = batch.input(feed.index)
      let shape = types[feed.input]?.shape(batchSize: batchSize) ?? []
      let missing = shape.reduce(1, *) - values.count
      samples[feed.input] = NDArray(Array(values) + [Float](repeating: 0, count: max(missing, 0)), shape: shape)
    }
    let scores = try network.run(samples)[output]?.values.elements ?? []
    return try scores.withUnsafeBufferPointer(body)
  }
}
