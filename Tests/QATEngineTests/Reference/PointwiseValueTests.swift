import QATEngine
import QATGraph
import QATTensor
import Testing

@Suite struct PointwiseValueTests {
  private func vector(_ values: [Float]) -> NDArray<Float> { NDArray(values, shape: [values.count]) }

  private func apply(_ op: any ReferenceKernel, _ inputs: [NDArray<Float>]) -> NDArray<Float> {
    op.forward(inputs, KernelContext(mode: .evaluation)).outputs[0]
  }

  private func slope(_ op: any ReferenceKernel, _ values: [Float]) -> [Float]? {
    let x = vector(values)
    let upstream = NDArray<Float>(repeating: 1, shape: x.shape)
    return op.backward(inputs: [x], outputs: [apply(op, [x])], outputGradients: [upstream], KernelContext(mode: .evaluation))[0]?.elements
  }

  @Test func activationsHaveTheirKnownValues() {
    #expect(apply(Relu(), [vector([-2, 0, 3])]).elements == [0, 0, 3])
    #expect(apply(Clip(lower: 0, upper: 6), [vector([-1, 0, 5, 6, 7])]).elements == [0, 0, 5, 6, 6])
    #expect(apply(LeakyRelu(alpha: 0.25), [vector([-8, 0, 2])]).elements == [-2, 0, 2])
    #expect(apply(HardSwish(), [vector([-4, -3, -1.5, 0, 3, 5])]).elements == [0, 0, -0.375, 0, 3, 5])
    #expect(apply(Sigmoid(), [vector([0, -200, 200])]).elements == [0.5, 0, 1])
    #expect(apply(Identity(), [vector([1, -1])]).elements == [1, -1])
  }

  @Test func derivativesAtTheKinksAreTheAgreedOnes() {
    #expect(slope(Relu(), [-1, 0, 1]) == [0, 0, 1])
    #expect(slope(Clip(lower: 0, upper: 6), [-1, 0, 3, 6, 7]) == [0, 0, 1, 0, 0])
    #expect(slope(LeakyRelu(alpha: 0.25), [-1, 0, 1]) == [0.25, 0.25, 1])
    #expect(slope(HardSwish(), [-4, -3, 0, 3, 4]) == [0, 0, 0.5, 1, 1])
  }

  @Test(arguments: [Relu(), Clip(lower: 0, upper: 6), LeakyRelu(), Sigmoid(), HardSwish(), Identity(), Softmax()] as [any ReferenceKernel])
  func notANumberIsNotHidden(_ op: any ReferenceKernel) {
    #expect(apply(op, [vector([.nan])]).elements[0].isNaN)
  }

  @Test func softmaxSumsToOneAlongItsAxisAndDoesNotOverflow() {
    let x = NDArray<Float>([1000, 1000, 0, 1000], shape: [2, 2])
    #expect(apply(Softmax(axis: 1), [x]).elements == [0.5, 0.5, 0, 1])
    #expect(apply(Softmax(axis: 0), [x]).elements == [1, 0.5, 0, 0.5])
  }

  @Test func broadcastingAlignsAxesAtTheEnd() {
    let matrix = NDArray<Float>([1, 2, 3, 4, 5, 6], shape: [2, 3])
    #expect(apply(Add(), [matrix, vector([10, 20, 30])]) == NDArray([11, 22, 33, 14, 25, 36], shape: [2, 3]))
    #expect(apply(Mul(), [NDArray([2, 3], shape: [2, 1]), matrix]) == NDArray([2, 4, 6, 12, 15, 18], shape: [2, 3]))
    #expect(apply(Add(), [NDArray([1, 2], shape: [2, 1]), vector([10, 20])]) == NDArray([11, 21, 12, 22], shape: [2, 2]))
  }

  @Test func meansAreOverTheirAxes() {
    let x = NDArray<Float>([1, 2, 3, 4, 5, 9], shape: [2, 3])
    #expect(apply(ReduceMean(axes: [1]), [x]) == NDArray([2, 6], shape: [2, 1]))
    #expect(apply(ReduceMean(axes: [-2], keepsDimensions: false), [x]) == NDArray([2.5, 3.5, 6], shape: [3]))
    #expect(apply(ReduceMean(axes: [], keepsDimensions: false), [x]) == NDArray([4], shape: []))
  }

  @Test func layoutsMoveElementsAndChangeNone() {
    let x = NDArray<Float>([1, 2, 3, 4, 5, 6], shape: [1, 2, 3])
    #expect(apply(Transpose(permutation: [2, 0, 1]), [x]) == NDArray([1, 4, 2, 5, 3, 6], shape: [3, 1, 2]))
    #expect(apply(Flatten(), [x]) == x.reshaped([1, 6]))
    #expect(apply(Reshape(shape: [0, -1, 1]), [x]) == x.reshaped([1, 6, 1]))
    let y = NDArray<Float>([7, 8], shape: [1, 2, 1])
    #expect(apply(Concat(axis: 2), [x, y]) == NDArray([1, 2, 3, 7, 4, 5, 6, 8], shape: [1, 2, 4]))
    #expect(apply(Concat(axis: 0), [y, y]) == NDArray([7, 8, 7, 8], shape: [2, 2, 1]))
  }

  @Test func matrixProductsHaveTheirKnownValues() {
    let a = NDArray<Float>([1, 2, 3, 4], shape: [2, 2])
    let b = NDArray<Float>([5, 6, 7, 8], shape: [2, 2])
    #expect(apply(MatMul(), [a, b]).elements == [19, 22, 43, 50])
    #expect(apply(Gemm(), [a, b]).elements == [19, 22, 43, 50])
    #expect(apply(Gemm(transposesA: true), [a, b]).elements == [26, 30, 38, 44])
    #expect(apply(Gemm(transposesB: true), [a, b]).elements == [17, 23, 39, 53])
    #expect(apply(Gemm(alpha: 2, beta: 10, transposesB: true), [a, b, vector([1, 2])]).elements == [44, 66, 88, 126])
    #expect(apply(MatMul(), [NDArray([1, 2], shape: [2, 1, 1]), NDArray([3, 4], shape: [1, 2])]) == NDArray([3, 4, 6, 8], shape: [2, 1, 2]))
  }
}

@Suite struct DropoutTests {
  private let ones = NDArray<Float>(repeating: 1, shape: [100, 100])

  private func masked(_ context: KernelContext) -> NDArray<Float> { Dropout(ratio: 0.2).forward([ones], context).outputs[0] }

  @Test func evaluationIsTheIdentity() { #expect(masked(KernelContext(mode: .evaluation)) == ones) }

  @Test func keptElementsAreScaledAndAFractionIsDropped() {
    let elements = masked(KernelContext(mode: .training, seed: 1)).elements
    let dropped = elements.count { $0 == 0 }
    // Binomial with 10 000 draws: mean 2000, standard deviation 40.
    #expect(abs(dropped - 2000) < 200)
    #expect(elements.count { $0 == 1 / (1 - Float(0.2)) } == 10_000 - dropped)
  }

  @Test func theMaskIsAFunctionOfSeedStepNodeAndPosition() {
    let mask = masked(KernelContext(mode: .training, seed: 1, step: 2, node: 3))
    #expect(mask == masked(KernelContext(mode: .training, seed: 1, step: 2, node: 3)))
    for other in [
      KernelContext(mode: .training, seed: 9, step: 2, node: 3), KernelContext(mode: .training, seed: 1, step: 9, node: 3),
      KernelContext(mode: .training, seed: 1, step: 2, node: 9),
    ] {
      #expect(mask != masked(other))
    }
  }

  @Test func halvesOfABatchGetTheHalvesOfItsMask() {
    let half = NDArray<Float>(repeating: 1, shape: [50, 100])
    let parts = [0, 50].map { first in
      Dropout(ratio: 0.2).forward([half], KernelContext(mode: .training, seed: 1, step: 2, node: 3, firstSample: first)).outputs[0].elements
    }
    #expect(parts[0] + parts[1] == masked(KernelContext(mode: .training, seed: 1, step: 2, node: 3)).elements)
  }
}
