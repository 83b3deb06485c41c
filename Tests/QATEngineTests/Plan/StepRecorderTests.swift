import QATEngine
import QATModels
import Testing

@Suite("Noting what steps do")
struct StepRecorderTests {
  /// Runs a step of two phases.
  private func step(_ number: Int, _ recorder: StepRecorder, _ plan: Plan? = nil) throws {
    try recorder.beginStep(number)
    recorder.begin(phase: "forward pass")
    plan?.forward()
    recorder.begin(phase: "backward pass")
    plan?.backward()
    try recorder.endStep()
  }

  @Test("lets steps go by, notes as many as were asked for, and hands them over once")
  func window() throws {
    var barriers = 0
    var handedOver: [Int] = []
    let recorder = StepRecorder(steps: 2, after: 3) { handedOver.append($0.stepCount) }
    for number in 1...7 {
      recorder.beginStep(number) { barriers += 1 }
      #expect(recorder.isRecording == (4...5).contains(number))
      recorder.begin(phase: "all")
      try recorder.endStep()
      #expect(handedOver == (number < 5 ? [] : [2]))
    }
    try recorder.finish()
    #expect(handedOver == [2] && barriers == 1)
    #expect(recorder.spans.map(\.name) == ["step 4", "all", "step 5", "all"])
  }

  @Test("of few steps that are left, the last are noted", arguments: [(3, 3), (10, 10), (12, 10), (15, 10), (20, 10), (40, 10)])
  func fewSteps(left: Int, expected: Int) throws {
    var handedOver = 0
    let recorder = StepRecorder(steps: 10, after: 10) { handedOver += $0.stepCount }
    recorder.fit(stepsLeft: left)
    for number in 1...left { try step(number, recorder) }
    try recorder.finish()
    #expect(handedOver == expected)
    #expect(recorder.spans.first?.name == "step \(min(max(left - 10, 0), 10) + 1)")
  }

  /// A convolution makes 2 · N · O · H · W · I · kH · kW multiplications and additions, a linear layer 2 · N · O · I; so do the gradients of what they multiply.
  @Test("kernels lie in phases, with the bytes that they move and the products that they add up")
  func kernels() throws {
    var b = NetworkBuilder(name: "small", input: [3, 10, 12], seed: 1)
    let x = b.relu(b.convolution(b.input, "conv1", channels: 16, kernel: 3, pad: 1), "relu")
    let y = b.convolution(x, "conv2", channels: 8, kernel: 3)
    let graph = b.graph(output: b.linear(b.flatten(y, "flatten"), "fc", features: 5))
    let plan = try Plan(graph, state: ModelState(graph), batchSize: 4, mode: .training)
    let recorder = StepRecorder(steps: 2)
    plan.recorder = recorder
    for number in 1...2 { try step(number, recorder, plan) }
    let kernels = recorder.spans.filter { $0.kind == .kernel }
    let products = Dictionary(grouping: kernels.filter { $0.operationCount > 0 }, by: \.name)
    #expect(products.values.allSatisfy { $0.count == 2 })
    let counts = ["conv1": 2 * 4 * 16 * 10 * 12 * 3 * 9, "conv2": 2 * 4 * 8 * 8 * 10 * 16 * 9, "fc": 2 * 4 * 5 * 640]
    #expect(
      products.mapValues { $0[0].operationCount } == [
        "Conv conv1": counts["conv1"], "Conv backward weights conv1": counts["conv1"],
        "Conv conv2": counts["conv2"], "Conv backward data conv2": counts["conv2"], "Conv backward weights conv2": counts["conv2"],
        "Gemm fc": counts["fc"], "Gemm backward data fc": counts["fc"], "Gemm backward weights fc": counts["fc"],
      ])
    // The gradient of a linear layer's input: dy [4, 5] and the weight [5, 640] are read, dx [4, 640] is written.
    #expect(products["Gemm backward data fc"]?.first?.byteCount == 4 * (4 * 5 + 5 * 640 + 4 * 640))
    for phase in recorder.spans where phase.kind == .phase {
      let inner = kernels.filter { phase.start <= $0.start && $0.end <= phase.end }
      #expect(inner.count > 4 && inner.reduce(0) { $0 + $1.seconds } <= phase.seconds)
    }
    for (one, next) in zip(kernels, kernels.dropFirst()) { #expect(one.start <= one.end && one.end <= next.start) }
  }

  @Test("readings are counted from the first noted step; what was over before it is left out")
  func readings() throws {
    let recorder = StepRecorder(steps: 1)
    recorder.note(reading: "nobody notes", memory: 0, from: 0, to: .max)
    try recorder.beginStep(1)
    recorder.note(reading: "over", memory: 0, from: 1, to: 2)
    recorder.note(reading: "begun before", memory: 2, from: 1, to: UInt64(Int.max))
    try recorder.endStep()
    #expect(recorder.spans.map(\.name) == ["step 1", "begun before"])
    #expect(recorder.spans[1].kind == .reading(memory: 2) && recorder.spans[1].start == 0 && recorder.spans[1].seconds > 1)
  }
}
