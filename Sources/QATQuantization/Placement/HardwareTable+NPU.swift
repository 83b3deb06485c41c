extension HardwareTable {
  /// The NPU's table: lower bit widths, and arithmetic whose inputs share a scale. Source: reference NNCF 2.14, hardware configuration for NPU.
  static let npu = HardwareTable([
    ([.convolution, .matMul], Entry(activations: tensor8 + tensor4, weights: weights8 + weights4and2)),
    ([.depthWiseConvolution], Entry(activations: channel8 + tensor8, weights: weights8 + weights4and2)),
    (
      [.add, .multiply, .maximum, .minimum, .subtract],
      Entry(activations: tensor8 + tensor4, weights: weights8 + tensor4, unifiesScales: true)
    ),
    (
      [.less, .lessEqual, .greater, .greaterEqual, .divide, .equal, .notEqual, .floorMod, .logicalOr, .logicalXor, .logicalAnd],
      Entry(activations: tensor8, weights: weights8, unifiesScales: true)
    ),
    ([.logicalNot], Entry(activations: tensor8, weights: weights8)),
    (
      [.power, .avgPool, .normalizeL2, .reduceL2, .reduceMean, .reduceSum, .mvn, .groupNormalization],
      Entry(activations: tensor8)
    ),
    ([.lstmSequence, .gruSequence], Entry(activations: tensor8, weights: symmetricWeights8)),
    ([.scaledDotProductAttention], Entry(activations: symmetricTensor8)),
    ([.embedding], Entry(weights: weights8)),
    ([.concat], Entry(unifiesScales: true)),
    (
      [
        // NNCF lists Interpolate twice, and the row without quantizers, meant for nearest neighbours, is the one that holds.
        .interpolate, .maxPool, .reduceMax, .reshape, .flatten, .squeeze, .unsqueeze, .split, .variadicSplit, .crop, .transpose, .tile,
        .stridedSlice, .slice, .shuffleChannels, .broadcast, .pad, .convertLike, .embeddingBag,
      ], Entry()
    ),
  ])
}
