import QATEngine
import QATGraph
import Testing

/// What finite differences cannot see: gradients where several elements win, or where a base is zero or negative. Expected values are PyTorch's.
@Suite struct TieTests {
  private let context = KernelContext(mode: .training)

  /// The gradients of Σ y, one array an input.
  private func gradients(_ op: any ReferenceKernel, _ inputs: [[Double]]) -> [[Double]] {
    let arrays = inputs.map { NDArray($0, shape: [$0.count]) }
    let outputs = op.forward(arrays, context).outputs
    let ones = outputs.map { NDArray(repeating: 1.0, shape: $0.shape) }
    return op.backward(inputs: arrays, outputs: outputs, outputGradients: ones, context).compactMap { $0?.elements }
  }

  private func expect(_ op: any ReferenceKernel, _ inputs: [[Double]], gives expected: [[Double]]) {
    let found = gradients(op, inputs)
    #expect(found == expected, "\(op) of \(inputs)")
  }

  @Test func equalElementsShareTheGradientOfAnExtremum() {
    expect(Max(), [[1, 2, 3], [1, 0, 5]], gives: [[0.5, 1, 0], [0.5, 0, 1]])
    expect(Min(), [[1, 2], [1, 0]], gives: [[0.5, 0], [0.5, 1]])
    expect(Max(), [[4], [4], [4], [4]], gives: [[0.25], [0.25], [0.25], [0.25]])
    expect(ReduceMax(axes: []), [[3, 1, 3]], gives: [[0.5, 0, 0.5]])
    expect(ReduceMin(axes: []), [[1, 1, 1, 1]], gives: [[0.25, 0.25, 0.25, 0.25]])
  }

  @Test func aProductHasAGradientWhereItIsZero() {
    expect(ReduceProd(axes: []), [[2, 0, 3]], gives: [[0, 6, 0]])
    expect(ReduceProd(axes: []), [[0, 0, 3]], gives: [[0, 0, 0]])
  }

  @Test func normsHaveTheGradientZeroAtZero() {
    expect(ReduceL2(axes: []), [[0, 0]], gives: [[0, 0]])
    expect(ReduceL1(axes: []), [[0, -2]], gives: [[0, -1]])
    expect(Abs(), [[0]], gives: [[0]])
  }

  @Test func powersOfZeroAndNegativeBases() {
    #expect(gradients(Pow(), [[-3, 0, 2], [2, 2, 0]])[0] == [-6, 0, 0])
    #expect(gradients(Pow(), [[0], [1]])[0] == [1])
    #expect(gradients(Pow(), [[0], [2]])[1] == [0])
    let powers = Pow().forward([NDArray([-2.0, 0, -8], shape: [3]), NDArray([3.0, 0, 0.5], shape: [3])], context).outputs[0].elements
    #expect(powers[0] == -8 && powers[1] == 1 && powers[2].isNaN)
  }

  @Test func aNaNIsNotHidden() {
    for pair in [[Double.nan, 1], [1, .nan]] {
      let operands = pair.map { NDArray([$0], shape: [1]) }
      #expect(Max().forward(operands, context).outputs[0].elements[0].isNaN)
      #expect(Min().forward(operands, context).outputs[0].elements[0].isNaN)
      let line = NDArray(pair + [2], shape: [3])
      #expect(ReduceMax(axes: []).forward([line], context).outputs[0].elements[0].isNaN)
      #expect(ReduceMin(axes: []).forward([line], context).outputs[0].elements[0].isNaN)
    }
  }
}
