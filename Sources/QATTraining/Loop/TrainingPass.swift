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
  private let objective: any OutputLoss
  private let reducer: GradientReducer
  private let rankCount: Int
  private let inputs: [Graph.Input]
  private var stage = Stage.idle
  /// Steps done, those before this pass included: part of the key of dropout's random numbers.
  public private(set) var step: Int
  /// The parameters that the network does not train now, such as those of quantizers whose stage has not begun.
  private let resting: [Range<Int>]
  /// The optimizer that passes over them.
  private var informed: (any Optimizer)?
  private lazy var clipping = GradientClipping(of: state)

  /// Prepares the steps of a network. All ranks do so together.
  /// - Parameters:
  ///   - graph: the network.
  ///   - state: its parameters; those of rank 0 become every rank's.
  ///   - controller: the quantizers' controller; nil for an fp32 network.
  ///   - objective: what the steps minimise.
  ///   - batchSize: samples of this rank in a step.
  ///   - seed: of dropout's random numbers.
  ///   - firstStep: steps done before.
  ///   - communicator: the ranks.
  /// - Throws: `TrainingError` when several ranks have not agreed on the quantizers; what the engine throws.
  public init(
    _ graph: Graph, state: ModelState, controller: CompressionController?, objective: any OutputLoss, batchSize: Int, seed: UInt64,
    firstStep: Int = 0, communicator: any Communicator
  ) throws {
    try communicator.requireDistributed(controller)
    guard batchSize > 0 else { throw TrainingError(.input, "a batch of \(batchSize) samples is none") }
    self.batchSize = batchSize
    self.state = state
    self.objective = objective
    inputs = graph.inputs
    step = firstStep
    let trained = graph.trainedParameters
    resting = state.parameterSlots.filter { !trained.contains($0.name) }.map(\.range)
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
    for input in inputs {
      guard let index = inputs.count == 1 && batch.inputs.count == 1 ? 0 : batch.inputs.firstIndex(where: { $0.name == input.name }) else {
        throw TrainingError(
          .input,
          "the network's input '\(input.name)' is none of the samples' inputs, \(batch.inputs.compactMap(\.name)). Give the data the network's names")
      }
      let (memory, values) = (plan.input(input.name), batch.input(index))
      guard values.count == memory.count else {
        throw TrainingError(
          .input, "a sample has \(values.count / batchSize) values, the network's input '\(input.name)' takes \(memory.count / batchSize)")
      }
      _ = memory.update(fromContentsOf: values)
    }
    guard objective.accepts(batch.target) else {
      throw TrainingError(.input, "a sample has \(batch.target.words), expected \(objective.expectation)")
    }
    if let rule = objective.classRule, let stranger = batch.labels.first(where: { $0 < 0 || Int($0) >= rule.classCount }) {
      throw TrainingError(.input, "a sample has the class \(stranger), the network tells \(rule.classCount) classes apart, counted from 0")
    }
    plan.forward(step: UInt64(step), firstSample: batch.firstSample)
    let sums = objective.evaluate(plan, targets: batch.targets, scale: 1 / Float(batchSize * rankCount))
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
  ///   - maxGradientNorm: the largest norm of the gradient, above 0; nil clips nothing.
  /// - Throws: `TrainingError` without gradients, or when the loss was not finite on a rank; then nothing has moved.
  public func update(_ optimizer: any Optimizer, rate: Double, maxGradientNorm: Double? = nil) throws {
    guard case .summed(let isFinite) = stage else {
      throw TrainingError(.input, "an optimizer's step() follows backward(): there are no new gradients since the last step")
    }
    stage = .idle
    guard isFinite else {
      throw TrainingError(.numerical, "the loss of step \(step + 1) is not finite: lower the learning rate or check the data. No parameter was moved")
    }
    if informed !== optimizer {
      optimizer.moving = optimizer.share.pieces(without: resting)
      informed = optimizer
    }
    state.updateStatistics()
    if let maxGradientNorm { try clipping.apply(limit: maxGradientNorm) }
    optimizer.step(state, rate: rate)
    step += 1
  }
}
