import QATGraph

/// Operators that plans compute by kernels made for them. An operator without a row, and one whose row declines, runs on its plain kernel.
extension PlanCompiler {
  /// Appends a node's steps to the plan.
  ///
  /// Gives false when it does not know these attributes or shapes.
  typealias FastPath = @Sendable (PlanCompiler, Node, Int) throws -> Bool

  /// Fast paths by operator type, one row an operator.
  static let fastPaths: [String: FastPath] = Dictionary(uniqueKeysWithValues: [
    row(Convolution.self) { try $0.convolution($1, $2, $3) },
    row(ConvolutionTranspose.self) { try $0.convolutionTranspose($1, $2, $3) },
    row(MaxPool.self) { try $1.places == nil && $0.pooling(.maximum, $1.window, $2, $3) },
    row(AveragePool.self) { try $0.pooling($1.countsPadding ? .averageWithPadding : .average, $1.window, $2, $3) },
    row(GlobalAveragePool.self) { try $0.globalPooling(.average, $2, $3) },
    row(GlobalMaxPool.self) { try $0.globalPooling(.maximum, $2, $3) },
    row(BatchNormalization.self) { try $0.batchNormalization($1, $2, $3) },
    row(Relu.self) { try $0.activation($2, $3) },
    row(Clip.self) { try $0.activation($2, $3) },
    row(LeakyRelu.self) { try $0.activation($2, $3) },
    row(Sigmoid.self) { try $0.activation($2, $3) },
    row(HardSwish.self) { try $0.activation($2, $3) },
    row(Exp.self) { try $0.activation($2, $3) },
    row(Log.self) { try $0.activation($2, $3) },
    row(Sqrt.self) { try $0.activation($2, $3) },
    row(Abs.self) { try $0.activation($2, $3) },
    row(Neg.self) { try $0.activation($2, $3) },
    row(Tanh.self) { try $0.activation($2, $3) },
    row(Elu.self) { try $0.activation($2, $3) },
    row(Softplus.self) { try $0.activation($2, $3) },
    row(Gelu.self) { try $0.activation($2, $3) },
    row(Swish.self) { try $0.activation($2, $3) },
    row(Mish.self) { try $0.activation($2, $3) },
    row(Dropout.self) { try $0.mode == .evaluation && $0.identity($2, $3) },
    row(Identity.self) { try $0.identity($2, $3) },
    row(Add.self) { try $0.addition($2, $3) || $0.broadcasting(multiplies: false, $2, $3) },
    row(Mul.self) { try $0.multiplication($2, $3) || $0.broadcasting(multiplies: true, $2, $3) },
    row(ReduceMean.self) { try $0.reduceMean($1, $2, $3) },
    row(Gemm.self) { try $0.gemm($1, $2, $3) },
    row(MatMul.self) { try $0.matMul($2, $3) },
    row(Softmax.self) { try $0.softmax(axis: $1.axis, isLogarithmic: false, $2, $3) },
    row(LogSoftmax.self) { try $0.softmax(axis: $1.axis, isLogarithmic: true, $2, $3) },
    row(LayerNormalization.self) { try $0.layerNormalization($1, $2, $3) },
    row(Concat.self) { try $0.concatenation($1, $2, $3) },
    row(Flatten.self) { try $0.reshaping($2, $3) },
    row(Reshape.self) { try $0.reshaping($2, $3) },
    row(Transpose.self) { try $0.movement($1, $2, $3) },
    row(Slice.self) { try $0.movement($1, $2, $3) },
    row(Pad.self) { try $0.movement($1, $2, $3) },
    row(Expand.self) { try $0.movement($1, $2, $3) },
    row(Tile.self) { try $0.movement($1, $2, $3) },
    row(Trilu.self) { try $0.movement($1, $2, $3) },
    row(DepthToSpace.self) { try $0.movement($1, $2, $3) },
    row(SpaceToDepth.self) { try $0.movement($1, $2, $3) },
    row(Gather.self) { try $0.gathering($1, $2, $3) },
    row(FakeQuantize.self) { try $0.fakeQuantization($1, $2, $3) },
    row(RoundBias.self) { try $0.biasRounding($1, $2, $3) },
  ])

  private static func row<Kind: Operator>(
    _: Kind.Type, _ path: @escaping @Sendable (PlanCompiler, Kind, Node, Int) throws -> Bool
  ) -> (String, FastPath) {
    (Kind.type, { plan, node, index in try node.as(Kind.self).map { try path(plan, $0, node, index) } ?? false })
  }

  /// Appends the steps of one node: by its fast path when it has one, else over the plain kernels.
  func compile(_ node: Node, at index: Int) throws {
    if let path = Self.fastPaths[node.type], try path(self, node, index) { return }
    try plainKernel(node, index)
  }
}
