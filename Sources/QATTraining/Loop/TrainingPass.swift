import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATQuantization

/// The pieces of a training step for a loop written by hand: forward and loss, backward with the sum over ranks, update. All ranks take them together.
///
/// A `Trainer` does the same with all that a long run needs: numerical guards, checkpoints, phases, an optimizer whose memory is dealt to ranks.
public final class TrainingPass {
  /// How far the current step has come.
  private enum Stage {
    case idle, forward(LossSums), summed(isFinite: Bool)
  }

  /// Samples of this rank in a step.
  public let batchSize: Int
  private let plan: Plan
  private let state: ModelState
  private let objective: CrossEntropy
  private let reducer: GradientReducer
  private let rankCount: Int
  private let input: TensorName
  private var stage = Stage.idle
  private var step: UInt64 = 0

  /// Prepares the steps of a network. All ranks do so together.
  /// - Parameters:
  ///   - graph: a network with one input.
  ///   - state: its parameters; those of rank 0 become every rank's.
  ///   - controller: the quantizers' controller; nil for an fp32 network.
  ///   - objective: what the steps minimise.
  ///   - batchSize: samples of this rank in a step.
  ///   - seed: of dropout's random numbers.
  ///   - communicator: the ranks.
  /// - Throws: `TrainingError` when the network has several inputs, or when several ranks have not agreed on the quantizers; what the engine throws.
  public init(
    _ graph: Graph, state: ModelState, controller: CompressionController?, objective: CrossEntropy, batchSize: Int, seed: UInt64,
    communicator: any Communicator
  ) throws {
    try communicator.requireDistributed(controller)
    guard graph.inputs.count == 1, let input = graph.inputs.first else {
      throw TrainingError(.input, "the network '\(graph.name)' has the inputs \(graph.inputs.map(\.name)); batches of samples can feed exactly one")
    }
    guard batchSize > 0 else { throw TrainingError(.input, "a batch of \(batchSize) samples is none") }
    self.batchSize = batchSize
    self.state = state
    self.objective = objective
    self.input = input.name
    rankCount = communicator.size
    try state.synchronize(communicator)
    plan = try Plan(graph, state: state, batchSize: batchSize, mode: .training)
    plan.seed = seed
    reducer = try GradientReducer(
      state, communicator: communicator,
      partition: BatchPartition(microBatchSize: batchSize, rank: communicator.rank, rankCount: communicator.size))
  }

  /// Computes the loss of a batch.
  /// - Returns: the mean loss over this rank's samples.
  /// - Throws: `TrainingError` when the batch has another size, or samples or classes that the network does not have.
  public func forward(_ batch: LoadedBatch) throws(TrainingError) -> Double {
    guard batch.count == batchSize else {
      throw TrainingError(
        .input, "a batch has \(batch.count) samples, the step was prepared for \(batchSize): leave the last, smaller batch of an epoch out")
    }
    let memory = plan.input(input)
    guard batch.pixels.count == memory.count else {
      throw TrainingError(
        .input, "a sample has \(batch.pixels.count / batchSize) values, the network's input '\(input)' takes \(memory.count / batchSize)")
    }
    if let stranger = batch.labels.first(where: { $0 < 0 || Int($0) >= objective.classCount }) {
      throw TrainingError(.input, "a sample has the class \(stranger), the network tells \(objective.classCount) classes apart, counted from 0")
    }
    _ = memory.update(fromContentsOf: batch.pixels)
    plan.forward(step: step, firstSample: batch.firstSample)
    let sums = objective.evaluate(plan, labels: batch.labels, scale: 1 / Float(batchSize * rankCount))
    stage = .forward(sums)
    return sums.loss / Double(max(sums.count, 1))
  }

  /// Computes the gradients of the last loss and sums them over the ranks.
  /// - Throws: `TrainingError` without a loss; the communicator's error.
  public func backward() throws {
    guard case .forward(let sums) = stage else {
      throw TrainingError(.input, "backward() follows a loss: compute the loss of a batch first, and call backward() once for each")
    }
    stage = .idle
    plan.backward { reducer.advance(to: $0) }
    StepTrailer(sums, isFinite: sums.loss.isFinite, largestMagnitude: 0, stop: nil).write(to: state.trailer)
    try reducer.finish()
    stage = .summed(isFinite: StepTrailer(reading: state.trailer)[.nonFinite] == 0)
  }

  /// Moves the parameters along the gradients, and the running statistics towards the batch's.
  /// - Parameters:
  ///   - optimizer: the rule, of all parameters of the state.
  ///   - rate: the learning rate.
  /// - Throws: `TrainingError` without gradients, or when the loss was not finite on a rank; then nothing has moved.
  public func update(_ optimizer: any Optimizer, rate: Double) throws(TrainingError) {
    guard case .summed(let isFinite) = stage else {
      throw TrainingError(.input, "an optimizer's step() follows backward(): there are no new gradients since the last step")
    }
    stage = .idle
    guard isFinite else {
      throw TrainingError(.numerical, "the loss of step \(step + 1) is not finite: lower the learning rate or check the data. No parameter was moved")
    }
    state.updateStatistics()
    optimizer.step(state, rate: rate)
    step += 1
  }
}
