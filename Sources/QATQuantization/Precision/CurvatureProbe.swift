import QATEngine
import QATGraph
import QATTensor

/// One process's means to probe the curvature of a loss: the plan, and memory for the weights and a gradient.
final class CurvatureProbe {
  /// Elements of each weight.
  let elementCounts: [Int]

  /// How far a probe moves the elements of a weight, relative to their root mean square: the cube root of float32's rounding unit.
  static let relativeStep = 0x1p-8

  private let graph: Graph
  private let task: PrecisionTask
  private let state: ModelState
  private let plan: Plan
  private let scale: Float
  private let slots: [ModelState.Slot]
  private let steps: [Float]
  private let values: [Float]
  private var signs: [Float]
  private var probe: Int?
  private var gradient: [Float]

  /// Compiles the plan.
  /// - Parameters:
  ///   - graph: the network, whose only trained tensors are `weights`.
  ///   - weights: the weights.
  ///   - batchSize: samples in a batch.
  ///   - sampleCount: samples over which the loss is averaged.
  ///   - task: the loss.
  /// - Throws: `GraphError` or `EngineError` when the network cannot be differentiated.
  init(_ graph: Graph, _ weights: [TensorName], batchSize: Int, sampleCount: Int, _ task: PrecisionTask) throws {
    self.graph = graph
    self.task = task
    state = try ModelState(graph)
    plan = try Plan(graph, state: state, batchSize: batchSize, mode: .training)
    scale = 1 / Float(sampleCount)
    let places = Dictionary(uniqueKeysWithValues: state.parameterSlots.map { ($0.name, $0) })
    let slots = weights.compactMap { places[$0] }
    precondition(slots.count == weights.count, "every weight is read by some node")
    self.slots = slots
    elementCounts = slots.map(\.range.count)
    let values = Array(state.parameters.elements)
    self.values = values
    steps = slots.map { slot in
      let squares = values[slot.range].reduce(0.0) { $0 + Double($1) * Double($1) }
      let size = (squares / Double(max(1, slot.range.count))).squareRoot()
      return Float(Self.relativeStep * (size > 0 ? size : 1))
    }
    signs = [Float](repeating: 1, count: values.count)
    gradient = signs
  }

  /// The share of one batch in v·Hv of every weight, for the mean loss over all samples.
  /// - Parameters:
  ///   - probe: number of the probe, which decides v.
  ///   - batch: number of the batch.
  ///   - calibration: samples with targets.
  /// - Returns: one number a weight.
  /// - Throws: `QuantizationError` when there are no labels; what the samples throw.
  func run(_ probe: Int, on batch: Int, of calibration: any BatchSource) throws -> [Double] {
    let range = batch * plan.batchSize..<(batch + 1) * plan.batchSize
    guard let targets = try calibration.targets(of: range) else {
      throw QuantizationError("HAWQ measures the curvature of the loss, and the samples have no targets")
    }
    for input in graph.inputs { try calibration.read(range, input: input.name, into: plan.input(input.name)) }
    draw(probe)
    differentiate(targets, side: 1)
    _ = gradient.withUnsafeMutableBufferPointer { $0.update(fromContentsOf: UnsafeBufferPointer(state.gradients)) }
    differentiate(targets, side: -1)
    let behind = state.gradients
    return zip(slots, steps).map { slot, step in
      var sum = 0.0
      for index in slot.range { sum += Double(signs[index]) * (Double(gradient[index]) - Double(behind[index])) }
      return sum / (2 * Double(step))
    }
  }

  /// Gradients at a point on one side of the weights.
  private func differentiate(_ targets: TargetValues, side: Float) {
    for (slot, step) in zip(slots, steps) {
      for index in slot.range { state.parameters.pointer[index] = values[index] + side * step * signs[index] }
    }
    plan.forward()
    _ = targets.withBatch { task.objective.evaluate(plan, targets: $0, scale: scale) }
    plan.backward()
  }

  /// Fills in the signs of a probe: one bit of the stream of (probe, weight) an element.
  private func draw(_ probe: Int) {
    if self.probe == probe { return }
    self.probe = probe
    for (number, slot) in slots.enumerated() {
      let key = RandomKey(seed: task.seed, purpose: .curvature, probe, number)
      for start in stride(from: 0, to: slot.range.count, by: 32) {
        let word = key.word(at: start / 32)
        for bit in 0..<min(32, slot.range.count - start) { signs[slot.offset + start + bit] = word >> UInt32(bit) & 1 == 0 ? 1 : -1 }
      }
    }
  }
}
