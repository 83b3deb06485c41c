import CVectorKernels
import QATEngine
import QATGraph
import QATTensor

/// An exponential moving average of a network's parameters and running statistics, which is evaluated, kept as the best and exported instead of the values of the last step.
///
/// average ← d · average + (1 − d) · value after every step, with d = min(decay, (1 + n) / (10 + n)) in step n, so that a short run does not keep its beginning (the rule
/// of TensorFlow's ExponentialMovingAverage). References: Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv:1703.01780.
///
/// A checkpoint's model file holds the averages, its optimizer file the values that training goes on from, as `<tensor>.training`.
final class WeightAverage {
  private let decay: Double
  private let state: ModelState
  private let parameters: AlignedBuffer<Float>
  private let statistics: AlignedBuffer<Float>

  /// Begins with the state's values.
  init(of state: ModelState, decay: Double) {
    self.decay = decay
    self.state = state
    parameters = AlignedBuffer(count: state.parameters.count)
    statistics = AlignedBuffer(count: state.statistics.count)
    restart()
  }

  /// Memory of the averages.
  var byteCount: Int { (parameters.count + statistics.count) * MemoryLayout<Float>.stride }

  /// Begins again with the state's values.
  func restart() {
    _ = parameters.elements.update(fromContentsOf: state.parameters.elements)
    _ = statistics.elements.update(fromContentsOf: state.statistics.elements)
  }

  /// Begins again with the values of some parameters, which were found anew.
  func restart(_ names: Set<TensorName>) {
    for slot in state.parameterSlots where names.contains(slot.name) {
      (parameters.pointer + slot.offset).update(from: state.parameters.pointer + slot.offset, count: slot.range.count)
    }
  }

  /// Takes the values after step `step`, counted from 1, into the average. Allocates nothing.
  func update(after step: Int) {
    let keep = Float(min(decay, Double(1 + step) / Double(10 + step)))
    qat_moving_average(parameters.pointer, state.parameters.pointer, parameters.count, keep)
    qat_moving_average(statistics.pointer, state.statistics.pointer, statistics.count, keep)
  }

  /// Runs `body` while the state holds the averages.
  func withAverages<Result>(_ body: () throws -> Result) rethrows -> Result {
    exchange()
    defer { exchange() }
    return try body()
  }

  private func exchange() {
    qat_swap_values(parameters.pointer, state.parameters.pointer, parameters.count)
    qat_swap_values(statistics.pointer, state.statistics.pointer, statistics.count)
  }

  /// Goes on from a checkpoint, whose model the state holds already.
  /// - Throws: `TrainingError` naming the tensor that is missing.
  func resume(from optimizer: [String: Tensor]) throws(TrainingError) {
    restart()
    for (slots, buffer) in [(state.parameterSlots, state.parameters), (state.statisticSlots, state.statistics)] {
      for slot in slots {
        guard let values = optimizer["\(slot.name).training"]?.floats, values.count == slot.range.count else {
          throw TrainingError(
            .checkpoint, "the optimizer's state has no values of '\(slot.name)' that training could go on from: it is of a run without \"ema_decay\"")
        }
        for (index, value) in zip(slot.range, values) { buffer.pointer[index] = value }
      }
    }
  }

  /// What a checkpoint's model file holds instead of the state.
  var saved: (parameters: AlignedBuffer<Float>, statistics: AlignedBuffer<Float>) { (parameters, statistics) }
}
