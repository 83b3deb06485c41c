import QATGraph

/// How an operator behaves towards a quantizer on its way up.
enum QuantizationTrait: Sendable {
  /// Computes on quantized inputs: wants a quantizer on each of them.
  case inputsQuantizable
  /// Moves values without changing them: a quantizer passes.
  case agnostic
  /// Joins tensors: a quantizer passes to all inputs, which may have to share it.
  case concat
  /// Picks rows of a constant table: a quantizer stops after it, and the table's own may do its work.
  case embedding
  /// Stays in floating point: a quantizer stops after it.
  case nonQuantizable
}

/// What placement knows of one operator type. One row an operator; a new operator is a new row.
struct OperatorClass: Sendable {
  /// A part that an operator plays in fused patterns.
  enum Role: Sendable {
    case linear, batchNormalization, activation, add, multiply
  }

  /// The table's name of the operator; nil when tables do not name it.
  var hardware: HardwareTable.Operation?
  /// What holds when the table has no configurations for it.
  var trait: QuantizationTrait
  /// Its part in fused patterns.
  var role: Role?
  /// Ports whose constant operand is a weight to be quantized.
  var weightPorts: [Int] = []
  /// Ports that never get a quantizer: biases, statistics.
  var plainPorts: [Int] = []

  /// Whether it computes element by element on two operands or truth values. Source: reference NNCF's elementwise operators (ONNX).
  var isElementwise: Bool { hardware.map(HardwareTable.Operation.elementwise.contains) ?? false }

  /// Every operator's row, by operator type. Source: reference NNCF's operator metatypes (ONNX names).
  static let rows: [String: OperatorClass] = [
    Convolution.type: OperatorClass(hardware: .convolution, trait: .inputsQuantizable, role: .linear, weightPorts: [1], plainPorts: [2]),
    ConvolutionTranspose.type: OperatorClass(hardware: .convolution, trait: .inputsQuantizable, role: .linear, weightPorts: [1], plainPorts: [2]),
    Gemm.type: OperatorClass(hardware: .matMul, trait: .inputsQuantizable, role: .linear, weightPorts: [0, 1], plainPorts: [2]),
    MatMul.type: OperatorClass(hardware: .matMul, trait: .inputsQuantizable, role: .linear, weightPorts: [0, 1]),
    BatchNormalization.type: OperatorClass(trait: .inputsQuantizable, role: .batchNormalization, plainPorts: [1, 2, 3, 4]),
    LayerNormalization.type: OperatorClass(trait: .nonQuantizable, plainPorts: [1, 2]),
    RMSNormalization.type: OperatorClass(trait: .nonQuantizable, plainPorts: [1]),
    InstanceNormalization.type: OperatorClass(trait: .nonQuantizable, plainPorts: [1, 2]),
    GroupNormalization.type: OperatorClass(trait: .nonQuantizable, plainPorts: [1, 2]),
    LocalResponseNormalization.type: OperatorClass(trait: .nonQuantizable),
    Add.type: OperatorClass(hardware: .add, trait: .inputsQuantizable, role: .add),
    Mul.type: OperatorClass(hardware: .multiply, trait: .inputsQuantizable, role: .multiply),
    Sub.type: OperatorClass(hardware: .subtract, trait: .inputsQuantizable, role: .add),
    Div.type: OperatorClass(hardware: .divide, trait: .inputsQuantizable, role: .multiply),
    Pow.type: OperatorClass(hardware: .power, trait: .inputsQuantizable),
    Mod.type: OperatorClass(trait: .nonQuantizable),
    Max.type: OperatorClass(hardware: .maximum, trait: .inputsQuantizable),
    Min.type: OperatorClass(hardware: .minimum, trait: .inputsQuantizable),
    Mean.type: OperatorClass(trait: .nonQuantizable),
    AveragePool.type: OperatorClass(hardware: .avgPool, trait: .inputsQuantizable),
    GlobalAveragePool.type: OperatorClass(hardware: .avgPool, trait: .inputsQuantizable),
    ReduceMean.type: OperatorClass(hardware: .reduceMean, trait: .inputsQuantizable),
    ReduceSum.type: OperatorClass(hardware: .reduceSum, trait: .inputsQuantizable),
    ReduceMax.type: OperatorClass(hardware: .reduceMax, trait: .agnostic),
    ReduceMin.type: OperatorClass(trait: .nonQuantizable),
    ReduceProd.type: OperatorClass(trait: .nonQuantizable),
    ReduceL1.type: OperatorClass(trait: .nonQuantizable),
    ReduceL2.type: OperatorClass(trait: .nonQuantizable),
    ReduceSumSquare.type: OperatorClass(trait: .nonQuantizable),
    ReduceLogSum.type: OperatorClass(trait: .nonQuantizable),
    ReduceLogSumExp.type: OperatorClass(trait: .nonQuantizable),
    Resize.type: OperatorClass(hardware: .interpolate, trait: .inputsQuantizable),
    LpPool.type: OperatorClass(trait: .nonQuantizable),
    GlobalMaxPool.type: OperatorClass(hardware: .maxPool, trait: .agnostic),
    MaxPool.type: OperatorClass(hardware: .maxPool, trait: .agnostic),
    Reshape.type: OperatorClass(hardware: .reshape, trait: .agnostic),
    Flatten.type: OperatorClass(hardware: .flatten, trait: .agnostic),
    Transpose.type: OperatorClass(hardware: .transpose, trait: .agnostic),
    Slice.type: OperatorClass(hardware: .stridedSlice, trait: .agnostic),
    Pad.type: OperatorClass(hardware: .pad, trait: .agnostic),
    Expand.type: OperatorClass(hardware: .broadcast, trait: .agnostic),
    Tile.type: OperatorClass(hardware: .tile, trait: .agnostic),
    Trilu.type: OperatorClass(trait: .nonQuantizable),
    DepthToSpace.type: OperatorClass(trait: .agnostic),
    SpaceToDepth.type: OperatorClass(trait: .agnostic),
    Gather.type: OperatorClass(trait: .agnostic, plainPorts: [1]),
    GatherElements.type: OperatorClass(trait: .agnostic, plainPorts: [1]),
    GatherND.type: OperatorClass(trait: .agnostic, plainPorts: [1]),
    ScatterND.type: OperatorClass(trait: .nonQuantizable, plainPorts: [1]),
    ScatterElements.type: OperatorClass(trait: .nonQuantizable, plainPorts: [1]),
    Where.type: OperatorClass(trait: .nonQuantizable),
    Cast.type: OperatorClass(trait: .nonQuantizable),
    Equal.type: OperatorClass(hardware: .equal, trait: .inputsQuantizable),
    Less.type: OperatorClass(hardware: .less, trait: .inputsQuantizable),
    LessOrEqual.type: OperatorClass(hardware: .lessEqual, trait: .inputsQuantizable),
    Greater.type: OperatorClass(hardware: .greater, trait: .inputsQuantizable),
    GreaterOrEqual.type: OperatorClass(hardware: .greaterEqual, trait: .inputsQuantizable),
    And.type: OperatorClass(hardware: .logicalAnd, trait: .inputsQuantizable),
    Or.type: OperatorClass(hardware: .logicalOr, trait: .inputsQuantizable),
    Xor.type: OperatorClass(hardware: .logicalXor, trait: .inputsQuantizable),
    Not.type: OperatorClass(hardware: .logicalNot, trait: .inputsQuantizable),
    IsNaN.type: OperatorClass(trait: .nonQuantizable),
    Dropout.type: OperatorClass(trait: .agnostic),
    Identity.type: OperatorClass(trait: .agnostic),
    Concat.type: OperatorClass(hardware: .concat, trait: .concat),
    Relu.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    Clip.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    LeakyRelu.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    Sigmoid.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    HardSwish.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    Elu.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    Selu.type: OperatorClass(trait: .nonQuantizable),
    Celu.type: OperatorClass(trait: .nonQuantizable),
    ThresholdedRelu.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    HardSigmoid.type: OperatorClass(trait: .inputsQuantizable, role: .activation),
    // Their decompositions are patterns of NNCF, in which no quantizer goes either.
    Gelu.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    Swish.type: OperatorClass(trait: .nonQuantizable, role: .activation),
    Mish.type: OperatorClass(trait: .nonQuantizable),
    Softplus.type: OperatorClass(trait: .nonQuantizable),
    Softsign.type: OperatorClass(trait: .nonQuantizable),
    PRelu.type: OperatorClass(trait: .nonQuantizable, role: .activation, plainPorts: [1]),
    Exp.type: OperatorClass(trait: .nonQuantizable),
    Log.type: OperatorClass(trait: .nonQuantizable),
    Sqrt.type: OperatorClass(hardware: .power, trait: .inputsQuantizable),
    Reciprocal.type: OperatorClass(hardware: .power, trait: .inputsQuantizable),
    Neg.type: OperatorClass(trait: .nonQuantizable),
    Abs.type: OperatorClass(trait: .nonQuantizable),
    Tanh.type: OperatorClass(trait: .nonQuantizable),
    Erf.type: OperatorClass(trait: .nonQuantizable),
    Sin.type: OperatorClass(trait: .nonQuantizable),
    Cos.type: OperatorClass(trait: .nonQuantizable),
    Floor.type: OperatorClass(trait: .nonQuantizable),
    Ceil.type: OperatorClass(trait: .nonQuantizable),
    Round.type: OperatorClass(trait: .nonQuantizable),
    Sign.type: OperatorClass(trait: .nonQuantizable),
    Softmax.type: OperatorClass(trait: .nonQuantizable),
    LogSoftmax.type: OperatorClass(trait: .nonQuantizable),
    FakeQuantize.type: OperatorClass(trait: .nonQuantizable),
    RoundBias.type: OperatorClass(trait: .nonQuantizable),
  ]

  /// A gathering from a constant table. Source: reference NNCF, ONNX backend; what the indices are does not count.
  static let embedding = OperatorClass(hardware: .embedding, trait: .embedding, weightPorts: [0], plainPorts: [1])

  /// The class of a node; an operator without a row stays in floating point. A convolution with one filter group a channel is depthwise.
  static func of(_ node: Node, types: [TensorName: TensorType], live: Set<TensorName>) -> OperatorClass {
    if node.op is Gather, !live.contains(node.inputs[0]), types[node.inputs[0]]?.elementType == .float32 { return embedding }
    var result = rows[node.type] ?? OperatorClass(trait: .nonQuantizable)
    if let convolution = node.as(Convolution.self), let channels = types[node.inputs[0]]?.dimensions[1].fixedSize,
      convolution.groups > 1, convolution.groups == channels
    {
      result.hardware = .depthWiseConvolution
    }
    return result
  }

  /// The axis of a weight's output channels: 0 for a convolution, 1 for a transposed one, the output features of a matrix product. Source: reference NNCF, ONNX backend.
  static func weightChannelAxis(of node: Node, port: Int, rank: Int) -> Int {
    if let gemm = node.as(Gemm.self) { return port == 1 ? (gemm.transposesB ? 0 : 1) : (gemm.transposesA ? 1 : 0) }
    if node.op is ConvolutionTranspose { return 1 }
    return node.as(MatMul.self) == nil ? 0 : rank - 1
  }
}
