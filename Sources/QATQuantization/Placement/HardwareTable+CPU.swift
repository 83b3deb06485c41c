extension HardwareTable {
  /// The CPU's table, which `ANY` uses as well. Source: reference NNCF 2.14, hardware configuration for CPU.
  static let cpu: HardwareTable = {
    let activations = QuantizerOption.all(modes: [.symmetric, .asymmetric], perChannel: [false])
    let channelActivations = QuantizerOption.all(modes: [.symmetric, .asymmetric], perChannel: [true, false])
    let symmetricActivations = QuantizerOption.all(modes: [.symmetric], perChannel: [false])
    let symmetricWeights = QuantizerOption.all(modes: [.symmetric], perChannel: [true, false], forcedSign: true)
    let weights = symmetricWeights + QuantizerOption.all(modes: [.asymmetric], perChannel: [true, false])

    let rows: [([Operation], Entry)] = [
      (
        [
          .convolution, .matMul, .add, .multiply, .maximum, .minimum, .less, .lessEqual, .greater, .greaterEqual, .divide, .equal, .notEqual,
          .subtract,
          .floorMod, .logicalOr, .logicalXor, .logicalAnd, .logicalNot,
        ], Entry(activations: activations, weights: weights)
      ),
      ([.depthWiseConvolution], Entry(activations: channelActivations, weights: weights)),
      (
        [.power, .avgPool, .normalizeL2, .reduceL2, .reduceMean, .reduceSum, .interpolate, .mvn, .groupNormalization],
        Entry(activations: activations)
      ),
      ([.lstmSequence, .gruSequence], Entry(activations: activations, weights: symmetricWeights)),
      ([.scaledDotProductAttention], Entry(activations: symmetricActivations)),
      ([.embedding], Entry(weights: weights)),
      ([.concat], Entry(unifiesScales: true)),
      (
        [
          .maxPool, .reduceMax, .reshape, .flatten, .squeeze, .unsqueeze, .split, .variadicSplit, .crop, .transpose, .tile, .stridedSlice, .slice,
          .shuffleChannels, .broadcast, .pad, .convertLike, .embeddingBag,
        ], Entry()
      ),
    ]
    var entries: [Operation: Entry] = [:]
    for (operations, entry) in rows {
      for operation in operations { entries[operation] = entry }
    }
    return HardwareTable(entries: entries, needsOverflowFix: true)
  }()
}
