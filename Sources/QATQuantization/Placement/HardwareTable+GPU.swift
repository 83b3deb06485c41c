extension HardwareTable {
  /// The GPU's table. Source: reference NNCF 2.14, hardware configuration for GPU.
  static let gpu = HardwareTable([
    (
      [
        .convolution, .matMul, .add, .multiply, .maximum, .minimum, .less, .lessEqual, .greater, .greaterEqual, .divide, .equal, .notEqual,
        .subtract, .floorMod, .logicalOr, .logicalXor, .logicalAnd, .logicalNot,
      ], Entry(activations: tensor8, weights: weights8)
    ),
    ([.depthWiseConvolution], Entry(activations: channel8, weights: weights8)),
    ([.power, .avgPool, .reduceMean, .reduceSum, .mvn], Entry(activations: tensor8)),
    ([.concat], Entry(unifiesScales: true)),
    (
      [
        // NNCF lists Interpolate twice, and the row without quantizers, meant for nearest neighbours, is the one that holds.
        .interpolate, .maxPool, .reduceMax, .reshape, .flatten, .squeeze, .unsqueeze, .split, .crop, .transpose, .tile, .stridedSlice, .slice,
        .embeddingBag,
      ], Entry()
    ),
  ])
}
