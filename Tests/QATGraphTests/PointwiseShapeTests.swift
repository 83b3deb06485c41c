import QATGraph
import QATTensor
import Testing

@Suite struct PointwiseShapeTests {
  static let elementwise: [any Operator] = [
    Relu(), Clip(lower: 0, upper: 6), LeakyRelu(), Sigmoid(), HardSwish(), Identity(), Dropout(ratio: 0.3), Softmax(axis: 1), Exp(), Log(), Sqrt(),
    Reciprocal(),
    Neg(), Abs(), Tanh(), Erf(), Elu(), Selu(), Celu(), ThresholdedRelu(), HardSigmoid(), Gelu(), Swish(), Mish(), Softplus(), Softsign(),
  ]

  @Test(arguments: elementwise.indices)
  func elementwiseOperatorsKeepTheType(index: Int) {
    let op = Self.elementwise[index]
    ShapeCase(op, [.batch, 3, 4], gives: [.batch, 3, 4]).check()
    ShapeCase(op, [7, 2], gives: [7, 2]).check()
    ShapeCase(op, nil, refused: "\(type(of: op).type) needs the input 'x'").check()
  }

  static let broadcasts: [(a: [Dimension], b: [Dimension], result: [Dimension]?)] = [
    ([.batch, 8, 7, 7], [.batch, 8, 7, 7], [.batch, 8, 7, 7]), ([.batch, 8, 7, 7], [.batch, 8, 1, 1], [.batch, 8, 7, 7]),
    ([.batch, 8, 7, 7], [8, 1, 1], [.batch, 8, 7, 7]), ([.batch, 10], [10], [.batch, 10]), ([.batch, 10], [], [.batch, 10]),
    ([], [], []), ([2, 1], [1, 3], [2, 3]), ([1], [.batch], [.batch]), ([1, 4], [.batch, 1], [.batch, 4]), ([3], [2, 3], [2, 3]),
    ([0], [1], [0]), ([.batch(multiple: 2)], [.batch(multiple: 2)], [.batch(multiple: 2)]),
    ([.batch], [.batch(multiple: 2)], nil), ([.batch], [4], nil), ([3], [4], nil), ([2, 3], [2], nil), ([0], [2], nil),
  ]

  @Test(arguments: broadcasts.indices)
  func sumsAndProductsBroadcastAsNumPy(index: Int) {
    let (a, b, result) = Self.broadcasts[index]
    for op in [Add(), Mul(), Sub(), Div(), Pow(), Max(), Min(), Mean()] as [any Operator] {
      for (left, right) in [(a, b), (b, a)] {
        if let result {
          ShapeCase(op, left, right, gives: result).check()
        } else {
          ShapeCase(op, left, right, refused: "\(type(of: op).type) cannot broadcast", "\(TensorType(left))", "\(TensorType(right))").check()
        }
      }
    }
    ShapeCase(Add(), a, nil, refused: "Add needs the input 'b'").check()
  }

  static let others: [ShapeCase] = [
    ShapeCase(ReduceMean(axes: [2, 3]), [.batch, 8, 7, 7], gives: [.batch, 8, 1, 1]),
    ShapeCase(ReduceMean(axes: [-1, -2], keepsDimensions: false), [.batch, 8, 7, 7], gives: [.batch, 8]),
    ShapeCase(ReduceMean(axes: [1], keepsDimensions: false), [.batch, 8, 7], gives: [.batch, 7]),
    ShapeCase(ReduceMean(axes: [], keepsDimensions: false), [3, 4], gives: []),
    ShapeCase(ReduceMean(axes: []), [3, 4], gives: [1, 1]), ShapeCase(ReduceMean(axes: []), [], gives: []),
    ShapeCase(ReduceMean(axes: []), [.batch, 4], refused: "batch"), ShapeCase(ReduceMean(axes: [0]), [.batch, 4], refused: "batch"),
    ShapeCase(ReduceMean(axes: [2]), [.batch, 4], refused: "axis 2", "2 dimensions"),
    ShapeCase(ReduceMean(axes: [-3]), [.batch, 4], refused: "axis -3"),
    ShapeCase(ReduceMean(axes: [Int.min]), [.batch, 4], refused: "axis \(Int.min)"),
    ShapeCase(ReduceMean(axes: [Int.max]), [.batch, 4], refused: "axis \(Int.max)"),
    ShapeCase(ReduceMean(axes: [1, -1]), [.batch, 4], refused: "axis -1 twice"),
    ShapeCase(ReduceMean(axes: [1]), [.batch, 0], refused: "nothing to reduce"),
    ShapeCase(ReduceSum(axes: [1]), [.batch, 4], gives: [.batch, 1]),
    ShapeCase(PRelu(), [.batch, 4, 5], [4, 1], gives: [.batch, 4, 5]),
    ShapeCase(PRelu(), [.batch, 4], [2, 1, 4], refused: "cannot broadcast the slope"),
    ShapeCase(PRelu(), [.batch, 4], [3], refused: "PRelu", "float32[3]"),
    ShapeCase(Max(), [.batch, 4], [4], [1, 1], gives: [.batch, 4]), ShapeCase(Mean(), [4], [3, 1], [2, 1, 1], gives: [2, 3, 4]),
    ShapeCase(Min(), [.batch, 4], [4], [3], refused: "Min cannot broadcast"), ShapeCase(Max(), [.batch, 4], gives: [.batch, 4]),
    ShapeCase(LogSoftmax(axis: 0), [.batch, 10], refused: "batch"), ShapeCase(LogSoftmax(), [.batch, 10], gives: [.batch, 10]),
    ShapeCase(Softmax(), [.batch, 10], gives: [.batch, 10]), ShapeCase(Softmax(axis: -3), [4, .batch, 10], gives: [4, .batch, 10]),
    ShapeCase(Softmax(axis: 2), [.batch, 10], refused: "axis 2"), ShapeCase(Softmax(), [], refused: "0 dimensions"),
    ShapeCase(Softmax(axis: 0), [.batch, 10], refused: "batch"),
    ShapeCase(Dropout(ratio: 0), [.batch], gives: [.batch]), ShapeCase(Dropout(ratio: 1), [.batch], refused: "ratio 1.0"),
    ShapeCase(Dropout(ratio: -0.1), [.batch], refused: "ratio -0.1"), ShapeCase(Dropout(ratio: .nan), [.batch], refused: "ratio nan"),
  ]

  @Test(arguments: others) func axesAndRatiosAreChecked(_ shapes: ShapeCase) { shapes.check() }

  private static let channels: [Dimension] = [8]
  static let normalizations: [ShapeCase] = [
    ShapeCase(BatchNormalization(), [.batch, 8, 7, 7], channels, channels, channels, channels, gives: [.batch, 8, 7, 7]),
    ShapeCase(BatchNormalization(), [.batch, 8], channels, channels, channels, channels, gives: [.batch, 8]),
    ShapeCase(BatchNormalization(epsilon: 0, momentum: 1), [4, 8, 2], channels, channels, channels, channels, gives: [4, 8, 2]),
    ShapeCase(BatchNormalization(), [8], channels, channels, channels, channels, refused: "axis 1"),
    ShapeCase(BatchNormalization(), [8, .batch], channels, channels, channels, channels, refused: "axis 1"),
    ShapeCase(BatchNormalization(), [.batch, 8], [7], channels, channels, channels, refused: "8 channels", "gamma float32[7]"),
    ShapeCase(BatchNormalization(), [.batch, 8], channels, [1, 8], channels, channels, refused: "beta"),
    ShapeCase(BatchNormalization(), [.batch, 8], channels, channels, [], channels, refused: "mean"),
    ShapeCase(BatchNormalization(), [.batch, 8], channels, channels, channels, nil, refused: "'variance'"),
    ShapeCase(BatchNormalization(epsilon: -1), [.batch, 8], channels, channels, channels, channels, refused: "epsilon -1.0"),
    ShapeCase(BatchNormalization(epsilon: .nan), [.batch, 8], channels, channels, channels, channels, refused: "epsilon nan"),
    ShapeCase(BatchNormalization(momentum: 1.5), [.batch, 8], channels, channels, channels, channels, refused: "momentum 1.5"),
    ShapeCase(BatchNormalization(momentum: .nan), [.batch, 8], channels, channels, channels, channels, refused: "momentum nan"),
  ]

  static let sampleNormalizations: [ShapeCase] = [
    ShapeCase(LayerNormalization(), [.batch, 49, 8], channels, channels, gives: [.batch, 49, 8]),
    ShapeCase(LayerNormalization(axis: 1), [.batch, 4, 8], [4, 8], gives: [.batch, 4, 8]),
    ShapeCase(LayerNormalization(), [.batch, 49, 8], [1, 8], nil, gives: [.batch, 49, 8]),
    ShapeCase(LayerNormalization(), [.batch, 49, 8], [49], refused: "cannot broadcast the scale"),
    ShapeCase(LayerNormalization(), [.batch, 49, 8], channels, [2, 1, 1, 8], refused: "cannot broadcast the bias"),
    ShapeCase(LayerNormalization(axis: 0), [.batch, 8], channels, refused: "fixed sizes"),
    ShapeCase(LayerNormalization(axis: 3), [.batch, 8], channels, refused: "axis 3"),
    ShapeCase(LayerNormalization(epsilon: -1), [.batch, 8], channels, refused: "epsilon -1.0"),
    ShapeCase(InstanceNormalization(), [.batch, 8, 5], channels, channels, gives: [.batch, 8, 5]),
    ShapeCase(InstanceNormalization(), [.batch, 7, 5], channels, channels, refused: "7 channels", "float32[8]"),
    ShapeCase(InstanceNormalization(), [.batch, 8, .batch], channels, channels, refused: "fixed sizes"),
    ShapeCase(GroupNormalization(groups: 4), [.batch, 8, 5, 5], channels, channels, gives: [.batch, 8, 5, 5]),
    ShapeCase(GroupNormalization(groups: 3), [.batch, 8, 5, 5], channels, channels, refused: "3 groups"),
    ShapeCase(GroupNormalization(groups: 0), [.batch, 8, 5, 5], channels, channels, refused: "0 groups"),
    ShapeCase(LocalResponseNormalization(size: 5), [.batch, 8, 5, 5], gives: [.batch, 8, 5, 5]),
    ShapeCase(LocalResponseNormalization(size: 0), [.batch, 8, 5, 5], refused: "0 channels"),
    ShapeCase(LocalResponseNormalization(size: 5), [8], refused: "axis 1"),
  ]

  @Test(arguments: sampleNormalizations) func normalizationsOfSamplesCheckTheirParameters(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: normalizations) func normalizationNeedsOneParameterAChannel(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: [ElementType.float64, .int8, .uint8, .int32, .int64, .bool])
  func operatorsThatComputeTakeFloat32Only(type: ElementType) {
    for op in [Relu(), Dropout(), Softmax(), ReduceMean(axes: [1])] as [any Operator] {
      #expect(throws: ShapeError.self) { try op.outputTypes(for: [TensorType([2, 3], type)]) }
    }
    #expect(throws: ShapeError("Add computes in float32, found a 'b' of \(type)[2]")) {
      try Add().outputTypes(for: [TensorType([2]), TensorType([2], type)])
    }
    #expect(throws: ShapeError.self) { try MatMul().outputTypes(for: [TensorType([2, 2], type), TensorType([2, 2], type)]) }
  }

  @Test(arguments: ElementType.allCases)
  func operatorsThatMoveElementsTakeAnyType(type: ElementType) throws {
    let x = TensorType([2, 3], type)
    #expect(try Identity().outputTypes(for: [x]) == [x])
    #expect(try Reshape(shape: [3, 2]).outputTypes(for: [x]) == [TensorType([3, 2], type)])
    #expect(try Transpose(permutation: [1, 0]).outputTypes(for: [x]) == [TensorType([3, 2], type)])
    #expect(try Flatten(axis: 0).outputTypes(for: [x]) == [TensorType([1, 6], type)])
    #expect(try Concat(axis: 0).outputTypes(for: [x, x]) == [TensorType([4, 3], type)])
  }
}
