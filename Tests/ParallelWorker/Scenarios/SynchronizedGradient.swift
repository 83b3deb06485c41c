import QATCommunication
import QATEngine
import QATGraph
import QATModels
import QATTensor
import QATTraining

/// Gradients through statistics that all ranks share, beside finite differences of the loss of all ranks: of every parameter, along two directions in all of its
/// elements. Prints the parameter whose difference is largest, relative to its gradient's length, `equal` when that is small; then the same for gradients of
/// ranks that normalise by themselves, which are others.
@Sendable func synchronizedGradientScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let batch = 2 + communicator.rank % 2
  let graph = smoothNetwork()
  let state = try ModelState(graph)
  // Each rank's samples have another mean and spread: its own statistics are far from those of all.
  let spread = 0.5 + 0.5 * Float(communicator.rank)
  let pixels = noise(batch * 3 * 36, seed: 10 + communicator.rank).map { spread * $0 + spread }
  let upstream = noise(batch * 5, seed: 20 + communicator.rank)

  let group = RankNormalization(.synchronized, communicator)
  let shared = try Plan(graph, state: state, batchSize: batch, mode: .training, group: group)
  let alone = try Plan(graph, state: state, batchSize: batch, mode: .training)

  /// The sum over all ranks of outputs times what comes from above.
  func loss() throws -> Double {
    _ = shared.input(graph.inputs[0].name).update(fromContentsOf: pixels)
    shared.forward()
    try group?.check()
    var sum = [zip(shared.output(graph.outputs[0]), upstream).reduce(0) { $0 + Double($1.0) * Double($1.1) }]
    try sum.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .sum) }
    return sum[0]
  }

  func gradients(by plan: Plan) throws -> [Float] {
    _ = plan.input(graph.inputs[0].name).update(fromContentsOf: pixels)
    plan.forward()
    _ = plan.outputGradient(graph.outputs[0]).update(fromContentsOf: upstream)
    plan.backward()
    try group?.check()
    try communicator.allreduce(state.gradients, .sum)
    return Array(state.gradients)
  }

  /// The derivative of the loss along a direction in the elements of a parameter.
  func slope(_ slot: ModelState.Slot, _ direction: [Double]) throws -> Double {
    let values = Array(state.parameters.elements[slot.range])
    let length = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let step = 0.01 * max(length, 0.1)
    var losses: [Double] = []
    for sign in [1.0, -1.0] {
      for (place, (value, part)) in zip(slot.range, zip(values, direction)) { state.parameters.elements[place] = value + Float(sign * step * part) }
      losses.append(try loss())
    }
    for (place, value) in zip(slot.range, values) { state.parameters.elements[place] = value }
    return (losses[0] - losses[1]) / (2 * step)
  }

  func furthest(_ gradients: [Float]) throws -> (name: String, difference: Double) {
    var worst = ("", 0.0)
    for (number, slot) in state.parameterSlots.enumerated() {
      let gradient = gradients[slot.range].map(Double.init)
      let length = norm(gradient)
      let along = gradient.map { $0 / length }
      let random = noise(gradient.count, seed: 30 + number).map(Double.init)
      let oblique = zip(along, random.map { $0 / norm(random) }).map { ($0 + $1) / 2 }
      for direction in [along, oblique] {
        let expected = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
        let difference = abs(try slope(slot, direction) - expected) / length
        if !(difference <= worst.1) { worst = (slot.name, difference) }
      }
    }
    return worst
  }

  let found = try furthest(gradients(by: shared))
  communicator.say(found.difference < 0.01 ? "equal" : "\(found.name) differs by \(found.difference)")
  let control = try furthest(gradients(by: alone))
  communicator.say(control.difference > 0.1 ? "others by themselves" : "equal by themselves")
}

private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

/// Numbers between -1 and 1 that look random.
private func noise(_ count: Int, seed: Int) -> [Float] {
  (0..<count).map { index in
    let mixed = (UInt64(seed) &* 1_000_003 &+ UInt64(index)) &* 0x9E37_79B9_7F4A_7C15
    return Float(Int32(truncatingIfNeeded: (mixed ^ mixed >> 29) >> 20)) / Float(Int32.max)
  }
}

/// Three batch norms, one of a matrix, without corners, over which finite differences would stumble.
private func smoothNetwork() -> Graph {
  var b = NetworkBuilder(name: "smooth", input: [3, 6, 6], seed: 4)
  var x = b.add(Tanh(), [b.batchNormalization(b.convolution(b.input, "conv1", channels: 8, kernel: 3, pad: 1), "bn1")], "tanh1")
  x = b.add(Sigmoid(), [b.batchNormalization(b.convolution(x, "conv2", channels: 6, kernel: 3, stride: 2), "bn2")], "sigmoid2")
  let matrix = b.batchNormalization(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "bn3")
  let scores = b.linear(b.add(Tanh(), [matrix], "tanh3"), "fc", features: 5)
  return b.graph(output: scores)
}
