import CVectorKernels
import Foundation
import QATCommunication
import QATData
import QATEngine
import QATGraph

/// Finds losses, gradients and batch statistics that are not finite, before they are summed over ranks: the sum would spread them to everybody and hide where
/// they came from.
///
/// Each rank watches its own part of a step and its flag travels in the step's trailer. A step that any rank has flagged changes nothing but the counters, on all
/// ranks alike; too many in a row end the run with the layer, the rank and the samples. Watching reads each gradient once, while it is still in the cache. The
/// largest magnitude that it meets travels too: only where these add up to what float32 can hardly hold are the sums themselves looked at.
final class NumericalGuard {
  /// What was found, nearer to the cause first.
  private enum Finding {
    case sample(Int), parameter(String), layer(String), loss, exchanged(String)

    /// What it says of a rank.
    var report: (order: Int, text: String) {
      switch self {
      case .sample(let index): (0, "sample \(index) of the training data holds values that are not finite")
      case .parameter(let name): (1, "the parameter '\(name)' is not finite")
      case .layer(let name): (2, "the loss is not finite; '\(name)' is the first layer whose values are not")
      case .loss: (3, "the loss is not finite")
      case .exchanged(let what): (4, "\(what) is not finite")
      }
    }
  }

  /// Steps that were skipped.
  private(set) var skipped: TrainingState.Skipped
  private let limit: Int
  /// The network as its steps compute it.
  var graph: Graph
  private let state: ModelState
  private let binding: InputBinding?
  private let warn: (String) -> Void
  private var finding: Finding?
  /// Where the micro-batch lies in which it was found.
  private var samples = ""
  /// Gradients of this micro-batch that were looked at.
  private var scanned = 0
  /// The largest magnitude among this micro-batch's gradients and batch statistics so far.
  private(set) var largestMagnitude: Float = 0
  /// What is finite in every part of the step, but not in their sum.
  private var overflow: String?

  /// A guard.
  /// - Parameters:
  ///   - task: what is trained, and how many steps in a row may be skipped.
  ///   - skipped: the steps that the run has skipped before.
  ///   - warn: tells the user of a skipped step.
  init(_ task: Trainer.Task, skipped: TrainingState.Skipped, warn: @escaping (String) -> Void) {
    graph = task.graph
    state = task.state
    binding = try? InputBinding(task.graph, task.training, task.configuration.data.preprocessing)
    limit = task.configuration.maxNonFiniteSteps
    self.skipped = skipped
    self.warn = warn
  }

  /// Whether nothing was found in this step so far on this rank.
  var isClean: Bool { finding == nil }

  /// Looks at a micro-batch's loss, before its backward pass.
  func watch(_ sums: LossSums, of batch: LoadedBatch, plan: Plan) {
    (scanned, largestMagnitude) = (0, 0)
    guard !sums.loss.isFinite, isClean else { return }
    samples = places(of: batch)
    finding = inputs(of: batch) ?? layer(for: batch, batchSize: plan.batchSize)
  }

  /// Looks at the gradients that have become complete since the last call, before they are sent to other ranks.
  func watch(gradientsUpTo completed: Int, of batch: LoadedBatch) {
    guard completed > scanned else { return }
    watch(scanned..<completed, of: batch)
    scanned = completed
  }

  /// Looks at a micro-batch's statistics, after its backward pass.
  func watchStatistics(of batch: LoadedBatch) { watch(state.gradients.count..<state.gradients.count + state.batchStatistics.count, of: batch) }

  private func watch(_ range: Range<Int>, of batch: LoadedBatch) {
    guard isClean else { return }
    let largest = qat_largest_magnitude(state.reduced.pointer + range.lowerBound, range.count)
    guard !largest.isFinite else {
      largestMagnitude = max(largestMagnitude, largest)
      return
    }
    samples = places(of: batch)
    // A ReLU makes 0 of what is not a number: the loss need not show it.
    finding = inputs(of: batch) ?? .exchanged(nonFinite(in: range) ?? "a gradient")
  }

  /// The first thing in a part of what is exchanged that is not finite. Gradients lie in the order in which the backward pass finishes them: the first is nearest to
  /// the cause.
  private func nonFinite(in range: Range<Int>) -> String? {
    func find(_ slots: [ModelState.Slot], from start: Int) -> String? {
      slots.first { slot in
        let part = (start + slot.offset..<start + slot.range.upperBound).clamped(to: range)
        return qat_all_finite(state.reduced.pointer + part.lowerBound, part.count) == 0
      }?.name
    }
    return find(state.parameterSlots, from: 0).map { "the gradient of '\($0)'" }
      ?? find(state.statisticSlots, from: state.gradients.count).map { "what the batch says of '\($0)'" }
  }

  /// Whether a step may be made: all its parts are finite, and so are their sums. All ranks call it together, when those are complete.
  /// - Throws: the communicator's error.
  func accepts(_ outcome: TrainingStep.Outcome, _ communicator: any Communicator) throws -> Bool {
    guard outcome.trailer[.nonFinite] == 0, outcome.loss.isFinite else { return false }
    if outcome.trailer.mayHaveOverflowed {
      // Where the optimizer is sharded, each rank has the sums of its share only.
      let found = try communicator.allgather(Array((nonFinite(in: 0..<state.gradients.count + state.batchStatistics.count) ?? "").utf8))
      overflow = found.first { !$0.isEmpty }.map { String(decoding: $0, as: UTF8.self) }
      if overflow != nil { return false }
    }
    skipped.inARow = 0
    return true
  }

  /// Counts a step that some rank has flagged. All ranks call it together.
  /// - Parameters:
  ///   - step: its number, counted from 0.
  ///   - rate: its learning rate, for the message.
  ///   - communicator: the ranks.
  /// - Throws: `TrainingError` (numerical), the same on every rank, when too many steps in a row were skipped.
  func skip(_ step: Int, rate: Double, _ communicator: any Communicator) throws {
    skipped.total += 1
    skipped.inARow += 1
    let own = finding
    finding = nil
    let report = own.map { finding in
      Report(order: finding.report.order, text: "rank \(communicator.rank) (node \(communicator.node)): \(finding.report.text), with \(samples)")
    }
    let reports = try communicator.allgather(report.map { [UInt8](try JSONEncoder().encode($0)) } ?? [])
      .compactMap { try? JSONDecoder().decode(Report.self, from: Data($0)) }
    let sum = overflow ?? "the loss"
    overflow = nil
    let origin = reports.min { $0.order < $1.order }?.text ?? "\(sum) is finite in every part of the step, but not in their sum"
    guard skipped.inARow < limit else {
      let error = TrainingError(
        .numerical,
        "step \(step + 1) cannot be made, like the \(skipped.inARow - 1) before it: training has diverged. \(origin). Lower the learning rate (now \(rate)) or "
          + "check the data; the last checkpoint is untouched")
      return try communicator.agree(error, exitCode: error.kind.exitCode)
    }
    warn("step \(step + 1) is skipped, \(skipped.inARow) of fewer than \(limit) in a row: \(origin)")
  }

  private func places(of batch: LoadedBatch) -> String {
    "the samples at \(batch.firstSample) to \(batch.firstSample + batch.count - 1) of epoch \(batch.epoch + 1)"
  }

  private struct Report: Codable {
    var order: Int
    var text: String
  }

  /// What is not finite of a micro-batch before anything is computed.
  private func inputs(of batch: LoadedBatch) -> Finding? {
    for input in 0..<batch.inputCount {
      let values = batch.input(input)
      let size = values.count / max(batch.count, 1)
      for place in 0..<batch.count where qat_all_finite(values.baseAddress.map { $0 + place * size }, size) == 0 {
        return .sample(batch.sample(at: place))
      }
    }
    let parameters = state.parameters
    if let slot = state.parameterSlots.first(where: { qat_all_finite(parameters.pointer + $0.offset, $0.range.count) == 0 }) {
      return .parameter(slot.name)
    }
    return nil
  }

  /// The layer from which the loss of a micro-batch is not finite, by computing it again and looking at every one. Parameters and statistics stay as they are.
  private func layer(for batch: LoadedBatch, batchSize: Int) -> Finding {
    let names = graph.nodes.flatMap(\.outputs)
    guard let copy = try? ModelState(state.applied(to: graph)), let binding,
      let plan = try? Plan(graph, state: copy, batchSize: batchSize, mode: .training, observed: names)
    else { return .loss }
    binding.feed(batch, to: plan)
    plan.forward()
    for node in graph.nodes {
      for name in node.outputs {
        let values = plan.output(name)
        if qat_all_finite(values.baseAddress, values.count) == 0 { return .layer(node.name) }
      }
    }
    return .loss
  }
}
