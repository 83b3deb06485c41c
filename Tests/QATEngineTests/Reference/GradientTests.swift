import QATEngine
import QATGraph
import Testing

/// Every operator's derivative over its attributes. FakeQuantize and RoundBias, whose gradients are defined and not derived, have their own tests.
@Suite struct GradientTests {
  static let windows: [Window] = [
    Window(square: 1), Window(square: 3, pad: 1), Window(square: 2, stride: 2), Window(square: 3, stride: 2, pad: 1), Window(square: 1, stride: 3),
    Window(kernel: [3, 2], strides: [1, 2], pads: [0, 1, 1, 0], dilations: [1, 1]),
    Window(kernel: [2, 3], strides: [2, 1], pads: [2, 0, 0, 3], dilations: [2, 1]),
    Window(kernel: [2, 2], strides: [3, 3], pads: [1, 1, 0, 0], dilations: [1, 3]),
    // Pads beyond the window, which only convolutions may have: some positions see padding alone.
    Window(kernel: [2, 2], pads: [3, 3, 3, 3]),
  ]

  static let convolutions: [GradientCase] =
    windows.map { GradientCase(Convolution(window: $0), [[2, 2, 5, 6], [3, 2] + $0.kernel, [3]]) }
    + windows.map { GradientCase(Convolution(window: $0, groups: 2), [[1, 4, 5, 4], [6, 2] + $0.kernel]) }
    + windows.map { GradientCase(Convolution(window: $0, groups: 3), [[2, 3, 4, 7], [3, 1] + $0.kernel, nil]) }
    + [GradientCase(Convolution(window: Window(square: 3, pad: 1), groups: 2), [[1, 2, 3, 3], [4, 1, 3, 3], [4]])]

  static let poolings: [GradientCase] =
    windows.filter { zip($0.pads, $0.kernel + $0.kernel).allSatisfy(<) }.flatMap { window in
      var roundingUp = window
      roundingUp.roundsUp = true
      return [window, roundingUp].flatMap { window in
        [
          GradientCase(MaxPool(window: window), [[2, 2, 5, 6]], values: .distinct),
          GradientCase(MaxPool(window: window, places: .columnMajor), [[1, 2, 5, 6]], values: .distinct),
          GradientCase(AveragePool(window: window), [[2, 2, 5, 6]]),
          GradientCase(AveragePool(window: window, countsPadding: true), [[1, 2, 6, 5]]),
        ]
      }
    } + [GradientCase(GlobalAveragePool(), [[2, 3, 3, 5]]), GradientCase(GlobalAveragePool(), [[1, 1, 1, 1]])]

  static let normalizations: [GradientCase] = [[4, 3, 2, 3], [5, 2], [2, 1, 7], [1, 4, 3, 3]].flatMap { shape in
    let channels = [shape[1]]
    return [Plan.Mode.training, .evaluation].map { mode in
      GradientCase(
        BatchNormalization(epsilon: 1e-3), [shape, channels, channels, channels, channels], mode: mode, withoutGradient: [3, 4], values: .positive)
    } + [GradientCase(frozen, [shape, channels, channels, channels, channels], mode: .training, withoutGradient: [3, 4], values: .positive)]
  }

  private static let frozen: BatchNormalization = {
    var op = BatchNormalization(epsilon: 1e-3)
    op.isFrozen = true
    return op
  }()

  static let pointwise: [GradientCase] = [
    GradientCase(Relu(), [[3, 5]], values: .awayFrom([0])),
    GradientCase(Clip(lower: -0.5, upper: 0.75), [[3, 5]], values: .awayFrom([-0.5, 0.75])),
    GradientCase(Clip(lower: 0), [[7]], values: .awayFrom([0])),
    GradientCase(Clip(), [[7]]),
    GradientCase(LeakyRelu(alpha: 0.2), [[2, 3, 2]], values: .awayFrom([0])),
    GradientCase(LeakyRelu(alpha: -0.5), [[6]], values: .awayFrom([0])),
    GradientCase(Sigmoid(), [[2, 9]]),
    GradientCase(HardSwish(), [[4, 25]], values: .awayFrom([-3, 3])),
    GradientCase(HardSwish(), [[101]], values: .distinct),
    GradientCase(Identity(), [[2, 2]]),
    GradientCase(Dropout(ratio: 0.4), [[4, 5]]),
    GradientCase(Dropout(ratio: 0.4), [[4, 5]], mode: .evaluation),
    GradientCase(Dropout(ratio: 0), [[3]]),
    GradientCase(Softmax(), [[3, 4]]),
    GradientCase(Softmax(axis: 1), [[2, 3, 4]]),
    GradientCase(Softmax(axis: -3), [[2, 3, 2]]),
    GradientCase(Softmax(axis: 0), [[1]]),
    GradientCase(LogSoftmax(), [[3, 4]]), GradientCase(LogSoftmax(axis: 1), [[2, 3, 4]]), GradientCase(LogSoftmax(axis: -3), [[2, 3, 2]]),
  ]

  static let broadcasting: [[[Int]]] = [
    [[2, 3], [2, 3]], [[2, 3], [3]], [[4], [2, 3, 4]], [[2, 3, 1, 1], [2, 3, 2, 2]], [[2, 1], [1, 3]], [[], [2, 2]], [[1], []],
    [[2, 1, 3], [4, 1]],
  ]

  static let arithmetic: [GradientCase] =
    broadcasting.flatMap { [GradientCase(Add(), $0), GradientCase(Mul(), $0)] }
    + [[], [0], [-1], [1, 2], [-1, 0], [0, 1, 2]].flatMap { axes in
      [true, false].map { GradientCase(ReduceMean(axes: axes, keepsDimensions: $0), [[2, 3, 4]]) }
    }

  static let products: [GradientCase] =
    [(false, false), (true, false), (false, true), (true, true)].flatMap { flags in
      [nil, [4], [3, 4], [3, 1], [1, 4], [1], []].map { c in
        GradientCase(
          Gemm(alpha: 0.5, beta: -2, transposesA: flags.0, transposesB: flags.1),
          [flags.0 ? [5, 3] : [3, 5], flags.1 ? [4, 5] : [5, 4], c])
      }
    } + [
      GradientCase(Gemm(), [[2, 3], [3, 2]]), GradientCase(MatMul(), [[2, 3], [3, 4]]), GradientCase(MatMul(), [[2, 2, 3], [2, 3, 1]]),
      GradientCase(MatMul(), [[2, 1, 2, 3], [4, 3, 2]]), GradientCase(MatMul(), [[3, 5], [2, 2, 5, 2]]),
      GradientCase(MatMul(), [[1, 2, 3], [5, 3, 2]]), GradientCase(MatMul(), [[3], [3]]), GradientCase(MatMul(), [[3], [3, 2]]),
      GradientCase(MatMul(), [[2, 3], [3]]), GradientCase(MatMul(), [[2, 4, 3], [3]]), GradientCase(MatMul(), [[3], [2, 3, 4]]),
      GradientCase(MatMul(), [[2, 1, 4, 3], [1, 3, 3, 2]]),
    ]

  static let layouts: [GradientCase] = [
    GradientCase(Flatten(), [[2, 3, 2, 2]]), GradientCase(Flatten(axis: 0), [[2, 3]]), GradientCase(Flatten(axis: -1), [[2, 3, 4]]),
    GradientCase(Reshape(shape: [0, -1]), [[2, 3, 2]]), GradientCase(Reshape(shape: [6, 2]), [[2, 3, 2]]),
    GradientCase(Transpose(permutation: [1, 0]), [[2, 3]]), GradientCase(Transpose(permutation: [2, 0, 1]), [[2, 3, 4]]),
    GradientCase(Transpose(permutation: [0, 2, 3, 1]), [[2, 3, 2, 2]]),
    GradientCase(Concat(axis: 1), [[2, 3, 2], [2, 1, 2], [2, 4, 2]]), GradientCase(Concat(axis: 0), [[1, 2], [3, 2]]),
    GradientCase(Concat(axis: -1), [[2, 3], [2, 2]]), GradientCase(Concat(axis: 0), [[3]]),
  ]

  static let all = [
    convolutions,
    volumes,
    transposes,
    resizes,
    poolings,
    normalizations,
    sampleNormalizations,
    pointwise,
    elementary,
    activations,
    arithmetic,
    moreArithmetic,
    reductions,
    products,
    layouts,
    movements,
    selections,
    scatterings,
  ].flatMap(\.self)

  @Test(arguments: all)
  func theGradientIsTheLimitOfDifferences(_ test: GradientCase) throws { try expectGradientsMatchDifferences(test) }

  @Test(arguments: all)
  func floatKernelsAgreeWithDoubleOnes(_ test: GradientCase) throws {
    let context = KernelContext(mode: test.mode, seed: 5, step: 6, node: 7)
    // Both start from the same numbers, those that Float can hold.
    let floats = test.inputs.map { $0.map { NDArray($0.elements.map { Float($0) }, shape: $0.shape) } }
    let doubles = floats.map { $0.map { NDArray($0.elements.map { Double($0) }, shape: $0.shape) } }
    let narrow = test.op.forwardInFloat(floats, context)
    let wide = test.op.forward(doubles, context)
    expectClose(narrow.outputs[0], wide.outputs[0])
    for (port, statistic) in wide.statistics { expectClose(try #require(narrow.statistics[port]), statistic) }
    let upstream = wide.outputs[0].map { Double(Float(0.5 + $0)) }
    let narrowGradients = test.op.backwardInFloat(
      inputs: floats, outputs: narrow.outputs, outputGradients: [NDArray(upstream.elements.map { Float($0) }, shape: upstream.shape)], context)
    let wideGradients = test.op.backward(inputs: doubles, outputs: wide.outputs, outputGradients: [upstream], context)
    #expect(narrowGradients.map { $0 == nil } == wideGradients.map { $0 == nil })
    for (found, expected) in zip(narrowGradients, wideGradients) {
      if let found, let expected { expectClose(found, expected) }
    }
  }

  @Test func everyOperatorHasKernelsAndGradientCases() {
    var tested = Set(Self.all.map { type(of: $0.op).type })
    tested.formUnion([FakeQuantize.type, RoundBias.type])
    for operation in allOperators {
      #expect(operation is any ReferenceKernel.Type, "\(operation.type) has no kernel")
      #expect(tested.contains(operation.type), "\(operation.type) has no gradient test")
    }
  }
}

/// Compares to Float's precision, relative to the largest element.
private func expectClose(_ found: NDArray<Float>, _ expected: NDArray<Double>) {
  #expect(found.shape == expected.shape)
  let magnitude = expected.elements.filter(\.isFinite).map { abs($0) }.max() ?? 1
  for (a, b) in zip(found.elements, expected.elements) where Double(a) != b {
    #expect(abs(Double(a) - b) <= 2e-5 * max(magnitude, 0.1), "\(a), in Double \(b)")
  }
}
