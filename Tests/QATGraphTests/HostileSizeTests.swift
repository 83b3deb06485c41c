import QATGraph
import QATTensor
import Testing

/// Files hold any numbers. Whatever they are, shape inference returns or throws; a trap would end the test process.
@Suite struct HostileSizeTests {
  /// Draws from numbers that files get wrong.
  struct Source {
    private static let numbers = [
      Int.min, Int.min + 1, -(1 << 32), -4, -2, -1, 0, 0, 1, 1, 1, 2, 2, 3, 4, 8, (1 << 31) - 1, 1 << 31, 1 << 32, 1 << 62, Int.max - 1, Int.max,
    ]
    private let key: RandomKey
    private var index = 0

    init(round: Int) { key = RandomKey(seed: 71, purpose: .syntheticData, round) }

    mutating func below(_ bound: Int) -> Int {
      index += 1
      return key.integer(below: bound, at: index)
    }

    mutating func number() -> Int { Self.numbers[below(Self.numbers.count)] }

    mutating func numbers(_ count: Int) -> [Int] { (0..<count).map { _ in number() } }

    /// Mostly of the right length.
    mutating func list(_ count: Int) -> [Int] { numbers(below(8) == 0 ? below(6) : count) }

    mutating func float() -> Float { [0, 0.5, 1, -1, .nan, .infinity][below(6)] }

    mutating func window() -> Window {
      let rank = [2, 2, 2, 1, 3][below(5)]
      return Window(kernel: list(rank), strides: list(rank), pads: list(2 * rank), dilations: list(rank), roundsUp: below(2) == 0)
    }

    mutating func type() -> TensorType {
      let dimensions = numbers([0, 1, 1, 2, 2, 3, 4, 4, 4, 5][below(10)]).map { self.below(4) == 0 ? .batch(multiple: $0) : Dimension.fixed($0) }
      return TensorType(dimensions, below(8) == 0 ? [.int8, .int64, .bool][below(3)] : .float32)
    }

    mutating func operators() -> [any Operator] {
      let mode: FakeQuantize.Mode = [.asymmetric, .symmetric(signed: true), .symmetric(signed: false)][below(3)]
      return [
        Convolution(window: window(), groups: number()), BatchNormalization(epsilon: float(), momentum: float()), Relu(),
        Clip(lower: float(), upper: float()), LeakyRelu(alpha: float()), Sigmoid(), HardSwish(), Add(), Mul(), Concat(axis: number()),
        MaxPool(window: window()), AveragePool(window: window(), countsPadding: true), GlobalAveragePool(), ReduceMean(axes: list(1)),
        Gemm(transposesA: below(2) == 0, transposesB: below(2) == 0), MatMul(), Flatten(axis: number()), Reshape(shape: numbers(below(5))),
        Transpose(permutation: numbers(below(4))), Softmax(axis: number()), Dropout(ratio: float()), Identity(),
        Sub(), Div(), Pow(), Max(), Min(), Mean(), PRelu(), LogSoftmax(axis: number()), ReduceSum(axes: list(1)), ReduceProd(axes: list(2)),
        ReduceMax(axes: list(1), keepsDimensions: false), ReduceMin(axes: list(0)), ReduceL1(axes: list(1)), ReduceL2(axes: list(1)),
        ReduceSumSquare(axes: list(2)), ReduceLogSum(axes: list(1)), ReduceLogSumExp(axes: list(1)),
        LayerNormalization(axis: number(), epsilon: float()), InstanceNormalization(epsilon: float()),
        GroupNormalization(groups: number(), epsilon: float()),
        LocalResponseNormalization(size: number(), alpha: float(), beta: float(), bias: float()),
        ConvolutionTranspose(window: window(), groups: number(), outputPadding: list(2)), LpPool(window: window(), p: number()), GlobalMaxPool(),
        Resize(.scales(list(4).map { _ in float() }), .linear), Resize(.sizes(list(4).map { $0 }), .nearest(.floor), .alignCorners),
        Exp(), Log(), Sqrt(), Reciprocal(), Neg(), Abs(), Tanh(), Erf(), Elu(alpha: float()), Selu(alpha: float(), gamma: float()),
        Celu(alpha: float()),
        ThresholdedRelu(alpha: float()), HardSigmoid(alpha: float(), beta: float()), Gelu(), Swish(alpha: float()), Mish(), Softplus(), Softsign(),
        Slice(axes: list(1), starts: list(1), ends: list(1), steps: list(1)),
        Pad(pads: list(4), mode: [.reflect, .edge, .wrap, .constant(1)][below(4)]),
        Expand(shape: numbers(below(4)).map { .fixed($0) }), Tile(repeats: list(2)), Trilu(diagonal: number()), DepthToSpace(blockSize: number()),
        SpaceToDepth(blockSize: number()), Gather(axis: number()), GatherElements(axis: number()), Where(), Cast(to: .int64), Equal(), Less(),
        LessOrEqual(), Greater(), GreaterOrEqual(), And(), Or(), Xor(), Not(), IsNaN(),
        RMSNormalization(axisCount: number(), epsilon: float()), Mod(), Sin(), Cos(), Floor(), Ceil(), Round(), Sign(),
        GatherND(batchDimensions: number()), ScatterND([.replace, .add][below(2)]), ScatterElements(axis: number()),
        RoundBias(input: FakeQuantize(mode: mode, bits: number()), weight: FakeQuantize(mode: mode, bits: number())),
        FakeQuantize(mode: mode, bits: number(), halfRange: below(2) == 0, channelAxis: below(2) == 0 ? nil : number()),
      ]
    }
  }

  @Test(arguments: 0..<8)
  func noNumbersStopTheProgram(round: Int) {
    var source = Source(round: round)
    var (accepted, refused) = (0, 0)
    for _ in 0..<400 {
      for op in source.operators() {
        // Often alike, so that the checks behind the first are reached.
        let first = source.type()
        let inputs = (0..<source.below(6)).map { index in index == 0 || source.below(2) == 0 ? first : source.below(8) == 0 ? nil : source.type() }
        do throws(ShapeError) {
          for type in try op.outputTypes(for: inputs) { _ = type.elementCount(batchSize: source.number()) }
          accepted += 1
        } catch {
          #expect(!error.description.isEmpty)
          refused += 1
        }
      }
    }
    #expect(accepted > 500)
    #expect(refused > 500)
  }

  @Test func theDrawsCoverEveryOperator() {
    var source = Source(round: 0)
    #expect(Set(source.operators().map { type(of: $0).type }) == Set(allOperators.map { $0.type }))
  }

  @Test(arguments: 0..<4)
  func noGraphOfSuchNumbersStopsTheProgram(round: Int) {
    var source = Source(round: 100 + round)
    for _ in 0..<200 {
      var graph = Graph(name: "hostile", inputs: [Graph.Input(name: "x", type: source.type())], outputs: ["y"])
      for op in source.operators() {
        graph.nodes = [Node(name: "n", op: op, inputs: [String](repeating: "x", count: 1 + source.below(3)), outputs: ["y"])]
        guard let types = try? graph.tensorTypes(batchSize: source.number()) else { continue }
        #expect(types.count == 2)
        #expect(types.values.allSatisfy { $0.elementCount(batchSize: 1) ?? 0 > 0 })
      }
    }
  }
}
