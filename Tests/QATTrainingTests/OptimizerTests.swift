import QATEngine
import QATGraph
import QATTensor
import Testing

@testable import QATTraining

@Suite struct OptimizerTests {
  /// A state of `count` parameters in one tensor.
  static func state(_ values: [Float]) throws -> ModelState {
    var graph = linearGraph(inputs: values.count, classes: 1)
    graph.nodes[0].inputs = ["x", "fc.weight"]
    graph.constants["fc.bias"] = nil
    graph.constants["fc.weight"] = .init(Tensor(values, shape: [1, values.count]), .parameter)
    return try ModelState(graph)
  }

  static func optimizer(_ run: PyTorchFixture.OptimizerRun, count: Int) -> any Optimizer {
    if run.type == "SGD" { return SGD(count: count, momentum: run.momentum, nesterov: run.nesterov, weightDecay: run.weight_decay) }
    return Adam(
      count: count, betas: (run.betas[0], run.betas[1]), epsilon: run.eps, weightDecay: run.weight_decay, isDecoupled: run.type == "AdamW")
  }

  @Test func stepsLikePyTorch() throws {
    let fixture = try PyTorchFixture.load()
    #expect(fixture.optimizers.count == 9)
    for run in fixture.optimizers {
      let state = try Self.state(fixture.start)
      let optimizer = Self.optimizer(run, count: fixture.start.count)
      for (step, gradient) in fixture.gradients.enumerated() {
        for (index, value) in gradient.enumerated() { state.gradients[index] = value }
        optimizer.step(state, rate: fixture.rates[step])
        for (index, expected) in run.parameters[step].enumerated() {
          let found = state.parameters[index]
          #expect(abs(found - expected) <= 1e-6 * max(1, abs(expected)), "\(run.type) \(run) step \(step), element \(index)")
        }
      }
      #expect(optimizer.stepCount == fixture.gradients.count)
    }
  }

  @Test(arguments: ["SGD", "AdamW"]) func goesOnFromItsSavedState(type: String) throws {
    let fixture = try PyTorchFixture.load()
    let run = try #require(fixture.optimizers.last { $0.type == type })
    func advance(_ optimizer: any Optimizer, _ state: ModelState, _ steps: Range<Int>) {
      for step in steps {
        for (index, value) in fixture.gradients[step].enumerated() { state.gradients[index] = value }
        optimizer.step(state, rate: fixture.rates[step])
      }
    }
    let straight = try Self.state(fixture.start)
    advance(Self.optimizer(run, count: 19), straight, 0..<5)

    let first = try Self.state(fixture.start)
    let before = Self.optimizer(run, count: 19)
    advance(before, first, 0..<2)
    let resumed = try Self.state(fixture.start)
    resumed.load(first.tensors())
    let after = Self.optimizer(run, count: 19)
    try after.load(before.tensors(slots: first.parameterSlots), slots: resumed.parameterSlots)
    after.stepCount = before.stepCount
    advance(after, resumed, 2..<5)
    #expect(resumed.tensors() == straight.tensors())
  }

  @Test func refusesTheStateOfAnotherModel() throws {
    let state = try Self.state([1, 2, 3])
    let other = try Self.state([1, 2])
    let saved = SGD(count: 3, momentum: 0.9).tensors(slots: state.parameterSlots)
    #expect(saved.keys.sorted() == ["fc.weight.momentum_buffer"])
    let error = #expect(throws: TrainingError.self) { try SGD(count: 2, momentum: 0.9).load(saved, slots: other.parameterSlots) }
    #expect(error?.description.contains("'fc.weight.momentum_buffer'") == true)
    #expect(throws: TrainingError.self) { try Adam(count: 3).load(saved, slots: state.parameterSlots) }
  }
}
