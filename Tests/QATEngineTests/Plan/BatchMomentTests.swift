import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("A batch's mean and variance")
struct BatchMomentTests {
  /// Two hundred thousand values a channel, as of images of 224 × 224: in float32, added up one after the other, 5e-5 of the variance would be lost.
  @Test("are those of float64, in every layout, with and without a ReLU in the same pass", arguments: [false, true], [false, true])
  func accuracy(isBlocked: Bool, withRelu: Bool) throws {
    var b = NetworkBuilder(name: "bn", input: [isBlocked ? 3 : 5, 224, 224], seed: 1)
    let x = isBlocked ? b.convolution(b.input, "conv", channels: 12, kernel: 1) : b.input
    var y = b.batchNormalization(x, "bn")
    if withRelu { y = b.relu(y, "relu") }
    let graph = b.graph(output: y)
    let source = try #require(graph.nodes.first { $0.op is BatchNormalization }).inputs[0]
    let state = try ModelState(graph)
    let (batch, channels, places) = (4, isBlocked ? 12 : 5, 224 * 224)
    let plan = try Plan(graph, state: state, batchSize: batch, mode: .training, observed: isBlocked ? [source] : [])
    let input = plan.input(graph.inputs[0].name)
    for (index, value) in randomFloats(input.count, seed: 3).enumerated() { input[index] = 1 + value }
    plan.forward()
    let values = isBlocked ? Array(plan.output(source)) : Array(input)
    for channel in 0..<channels {
      var own: [Double] = []
      for sample in 0..<batch {
        let first = (sample * channels + channel) * places
        for value in values[first..<first + places] { own.append(Double(value)) }
      }
      let mean: Double = own.reduce(0, +) / Double(own.count)
      var squares = 0.0
      for value in own { squares += (value - mean) * (value - mean) }
      let variance = squares / Double(own.count - 1)
      #expect(abs(Double(state.batchStatistics[channel]) - mean) < 3e-7 * (variance.squareRoot() + abs(mean)))
      #expect(abs(Double(state.batchStatistics[channels + channel]) / variance - 1) < 1e-6)
    }
  }

  @Test("do not depend on the number of threads")
  func threads() throws {
    var b = NetworkBuilder(name: "bn", input: [6, 64, 64], seed: 1)
    let graph = b.graph(output: b.batchNormalization(b.input, "bn"))
    try expectSameForAnyThreads {
      let state = try ModelState(graph)
      let plan = try Plan(graph, state: state, batchSize: 7, mode: .training)
      _ = plan.input(graph.inputs[0].name).update(fromContentsOf: randomFloats(plan.input(graph.inputs[0].name).count, seed: 5))
      plan.forward()
      return Array(state.batchStatistics)
    }
  }
}
