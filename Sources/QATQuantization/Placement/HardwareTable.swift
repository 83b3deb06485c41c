/// What a device executes on integers: for each operator the allowed quantizers of its activations and weights. Source: NNCF's hardware configurations.
struct HardwareTable: Sendable {
  /// The names that the tables know operators by: OpenVINO's.
  enum Operation: String, Sendable, Hashable {
    case convolution, depthWiseConvolution, matMul, add, multiply, avgPool, reduceMean, maxPool, reshape, flatten, transpose, concat
    case maximum, minimum, less, lessEqual, greater, greaterEqual, divide, equal, notEqual, subtract, floorMod
    case logicalOr, logicalXor, logicalAnd, logicalNot, power, normalizeL2, reduceL2, reduceSum, interpolate, mvn, groupNormalization
    case lstmSequence, gruSequence, scaledDotProductAttention, embedding
    case reduceMax, squeeze, unsqueeze, split, variadicSplit, crop, tile, stridedSlice, slice, shuffleChannels, broadcast, pad, convertLike
    case embeddingBag
  }

  /// One operator's row.
  struct Entry: Sendable {
    /// Allowed quantizers of activation inputs; nil when the operator only passes integers on.
    var activations: [QuantizerOption]?
    /// Allowed quantizers of weights; nil when the table is silent.
    var weights: [QuantizerOption]?
    /// Whether all inputs must have the same scale.
    var unifiesScales = false
  }

  let entries: [Operation: Entry]
  /// Whether the overflow fix applies to weights.
  let needsOverflowFix: Bool

  /// The table of a device.
  /// - Throws: `QuantizationError` for a device whose table this version does not have.
  static func table(for device: TargetDevice) throws(QuantizationError) -> HardwareTable {
    switch device {
    case .any, .cpu: cpu
    case .gpu, .npu, .trial, .cpuSPR:
      throw QuantizationError("the target device \(device.rawValue) is not supported yet; use ANY or CPU")
    }
  }
}
