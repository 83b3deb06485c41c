import QATEngine
import QATGraph
import QATTensor
import Testing

/// Worked by hand from the definition, upstream gradient 1 an element; rounded to six digits.
@Suite struct FakeQuantizeValueTests {
  struct Worked: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var op: FakeQuantize
    var y: [Double]
    var dx: [Double]
    var dScale: [Double]?
  }

  static let symmetric: [Worked] = [
    Worked(
      testDescription: "signed 8-bit", op: FakeQuantize(mode: .symmetric(signed: true)), y: [-1.007874, -1.007874, -0.299213, 0, 0, 0.503937, 1, 1],
      dx: [0, 1, 1, 1, 1, 1, 1, 0], dScale: [-1.007874, -0.001431, 0.000392, 0, -0.001843, 0.001961, 0.000498, 1]),
    Worked(
      testDescription: "signed narrow 8-bit", op: FakeQuantize(mode: .symmetric(signed: true), narrowRange: true),
      y: [-1, -1, -0.299213, 0, 0, 0.503937, 1, 1], dx: [0, 0, 1, 1, 1, 1, 1, 0]),
    Worked(
      testDescription: "half range", op: FakeQuantize(mode: .symmetric(signed: true), halfRange: true),
      y: [-1.015873, -1, -0.301587, 0, 0, 0.507937, 1, 1], dx: [0, 1, 1, 1, 1, 1, 1, 0],
      dScale: [-1.015873, 0.002480, -0.000787, 0, -0.001835, 0.003937, 0.000496, 1]),
    Worked(
      testDescription: "signed 4-bit", op: FakeQuantize(mode: .symmetric(signed: true), bits: 4),
      y: [-1.142857, -1, -0.285714, 0, 0, 0.571429, 1, 1], dx: [0, 1, 1, 1, 1, 1, 1, 0]),
    Worked(
      testDescription: "unsigned 8-bit", op: FakeQuantize(mode: .symmetric(signed: false)), y: [0, 0, 0, 0, 0.003922, 0.501961, 1, 1],
      dx: [0, 0, 0, 1, 1, 1, 1, 0], dScale: [0, 0, 0, 0, 0.000222, 0.001961, 0.001000, 1]),
  ]

  private static let x = [-1.5, -1.005, -0.3, 0, 0.0037, 0.5, 0.999, 1.2]
  private let context = KernelContext(mode: .training)

  private func run(_ op: FakeQuantize, _ x: [Double], _ parameters: [Double]) -> (y: [Double], gradients: [[Double]]) {
    let inputs: [NDArray<Double>?] = [NDArray(x, shape: [x.count])] + parameters.map { NDArray([$0], shape: [1]) }
    let outputs = op.forward(inputs, context).outputs
    let gradients = op.backward(inputs: inputs, outputs: outputs, outputGradients: [NDArray(repeating: 1, shape: [x.count])], context)
    return (outputs[0].elements, gradients.map { $0?.elements ?? [] })
  }

  private func expectClose(_ found: [Double], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(found.count == expected.count, sourceLocation: sourceLocation)
    for (a, b) in zip(found, expected) {
      let difference = abs(a - b)
      #expect(difference < 1e-6, "\(found), expected \(expected)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: symmetric)
  func symmetricQuantizersGiveTheWorkedValues(_ worked: Worked) {
    let all = run(worked.op, Self.x, [1])
    expectClose(all.y, worked.y)
    #expect(all.gradients[0] == worked.dx)
    guard let dScale = worked.dScale else { return }
    // One element at a time shows its own share of the sum.
    expectClose(Self.x.map { run(worked.op, [$0], [1]).gradients[1][0] }, dScale)
    expectClose(all.gradients[1], [dScale.reduce(0, +)])
  }

  @Test(arguments: symmetric)
  func aNegativeScaleMeansItsMagnitudeAndTurnsTheGradient(_ worked: Worked) {
    let positive = run(worked.op, Self.x, [1])
    let negative = run(worked.op, Self.x, [-1])
    #expect(negative.y == positive.y)
    #expect(negative.gradients[0] == positive.gradients[0])
    #expect(negative.gradients[1][0] == -positive.gradients[1][0])
  }

  @Test func asymmetricQuantizersGiveTheWorkedValues() {
    let op = FakeQuantize(mode: .asymmetric)
    let x = [-0.5, -0.2, 0, 0.0037, 0.5, 1, 1.3]
    let all = run(op, x, [-0.31, 1.5])
    expectClose(all.y, [-0.312228, -0.200297, 0, 0.005891, 0.500743, 1.001485, 1.19])
    #expect(all.gradients[0] == [0, 1, 1, 1, 1, 1, 0])
    let shares = x.map { run(op, [$0], [-0.31, 1.5]).gradients }
    expectClose(shares.map { $0[1][0] }, [1, 0, 0, 0, 0, 0, 1])
    expectClose(shares.map { $0[2][0] }, [0, -0.000198, 0, 0.001459, 0.000494, 0.000989, 1])
    let negative = run(op, x, [-0.31, -1.5])
    #expect(negative.y == all.y)
    #expect(negative.gradients[1] == all.gradients[1])
    #expect(negative.gradients[2][0] == -all.gradients[2][0])
  }

  @Test(arguments: [0, 1, 2, -1, -3])
  func eachChannelIsQuantizedByItsOwnParametersOnAnyAxis(_ axis: Int) throws {
    let shape = [2, 3, 4]
    let position = axis < 0 ? axis + 3 : axis
    let channels = shape[position]
    let x = GradientCase(Identity(), []).array(shape, stream: 1)
    let upstream = GradientCase(Identity(), []).array(shape, stream: 2)
    let low = (0..<channels).map { -0.5 - 0.1 * Double($0) }
    let range = (0..<channels).map { 1 + 0.3 * Double($0) }
    let inputs: [NDArray<Double>?] = [x, NDArray(low, shape: [channels]), NDArray(range, shape: [channels])]
    let op = FakeQuantize(mode: .asymmetric, bits: 4, channelAxis: axis)
    let outputs = op.forward(inputs, context).outputs
    let gradients = op.backward(inputs: inputs, outputs: outputs, outputGradients: [upstream], context)
    let stride = shape.rowMajorStrides[position]
    for channel in 0..<channels {
      let indices = x.elements.indices.filter { $0 / stride % channels == channel }
      let part: [NDArray<Double>?] = [
        NDArray(indices.map { x.elements[$0] }, shape: [indices.count]), NDArray([low[channel]], shape: [1]), NDArray([range[channel]], shape: [1]),
      ]
      let alone = FakeQuantize(mode: .asymmetric, bits: 4)
      let y = alone.forward(part, context).outputs
      let upstreamPart = NDArray(indices.map { upstream.elements[$0] }, shape: [indices.count])
      let expected = alone.backward(inputs: part, outputs: y, outputGradients: [upstreamPart], context)
      #expect(indices.map { outputs[0].elements[$0] } == y[0].elements)
      #expect(indices.map { gradients[0]?.elements[$0] } == expected[0]?.elements)
      #expect(gradients[1]?.elements[channel] == expected[1]?.elements[0])
      #expect(gradients[2]?.elements[channel] == expected[2]?.elements[0])
    }
  }

  @Test func aScaleOfZeroGivesFiniteNumbersAndNoGradient() {
    let result = run(FakeQuantize(mode: .symmetric(signed: true)), [-1, 0, 1], [0])
    #expect(result.y.allSatisfy { abs($0) < 1e-15 })
    #expect(result.gradients[1] == [0])
  }

  @Test func notANumberIsNotHidden() {
    #expect(run(FakeQuantize(mode: .asymmetric), [.nan], [-1, 2]).y[0].isNaN)
  }
}
