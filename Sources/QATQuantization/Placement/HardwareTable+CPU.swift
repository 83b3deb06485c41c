extension HardwareTable {
  /// The CPU's table, which `ANY` and `CPU_SPR` use as well. Source: reference NNCF 2.14, hardware configuration for CPU.
  static let cpu = HardwareTable([
    (
      [
        .convolution, .matMul, .add, .multiply, .maximum, .minimum, .less, .lessEqual, .greater, .greaterEqual, .divide, .equal, .notEqual,
        .subtract, .floorMod, .logicalOr, .logicalXor, .logicalAnd, .logicalNot,
      ], Entry(activations: tensor8, weights: weights8)
    ),
    ([.depthWiseConvolution], Entry(activations: channel8, weights: weights8)),
    (
      [.power, .avgPool, .normalizeL2, .reduceL2, .reduceMean, .reduceSum, .interpolate, .mvn, .groupNormalization],
      Entry(activations: tensor8)
    ),
    ([.lstmSequence, .gruSequence], Entry(activations: tensor8, weights: symmetricWeights8)),
    ([.scaledDotProductAttention], Entry(activations: symmetricTensor8)),
    ([.embedding], Entry(weights: weights8)),
    ([.concat], Entry(unifiesScales: true)),
    (
      [
        .maxPool, .reduceMax, .reshape, .flatten, .squeeze, .unsqueeze, .split, .variadicSplit, .crop, .transpose, .tile, .stridedSlice, .slice,
        .shuffleChannels, .broadcast, .pad, .convertLike, .embeddingBag,
      ], Entry()
    ),
  ])
}
