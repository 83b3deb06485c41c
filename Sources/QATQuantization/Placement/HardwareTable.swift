/// What a device executes on integers: for each operator the allowed quantizers of its activations and weights. Source: NNCF's hardware configurations.
///
/// Each device's table is a file of its own, `HardwareTable+….swift`, one row for the operators that are alike.
struct HardwareTable: Sendable {
  /// The names that the tables know operators by: OpenVINO's.
  enum Operation: String, Sendable, Hashable {
    case convolution, depthWiseConvolution, matMul, add, multiply, avgPool, reduceMean, maxPool, reshape, flatten, transpose, concat
    case maximum, minimum, less, lessEqual, greater, greaterEqual, divide, equal, notEqual, subtract, floorMod
    case logicalOr, logicalXor, logicalAnd, logicalNot, power, normalizeL2, reduceL2, reduceSum, interpolate, mvn, groupNormalization
    case lstmSequence, gruSequence, scaledDotProductAttention, embedding
    case reduceMax, squeeze, unsqueeze, split, variadicSplit, crop, tile, stridedSlice, slice, shuffleChannels, broadcast, pad, convertLike
    case embeddingBag

    static let elementwise: Set<Operation> = [
      .add, .multiply, .subtract, .divide, .maximum, .minimum, .less, .lessEqual, .greater, .greaterEqual, .equal, .notEqual, .floorMod, .logicalOr,
      .logicalXor, .logicalAnd, .logicalNot,
    ]
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

  private let entries: [Operation: Entry]

  /// A table of rows; of two rows for one operator the later one holds.
  init(_ rows: [([Operation], Entry)]) {
    var entries: [Operation: Entry] = [:]
    for (operations, entry) in rows {
      for operation in operations { entries[operation] = entry }
    }
    self.entries = entries
  }

  /// The row of an operator; nil when the device leaves it in floating point.
  subscript(operation: Operation) -> Entry? { entries[operation] }

  /// The bit widths that some operator may have, widest first.
  func bitWidths(_ kind: QuantizationPoint.Kind) -> [Int] {
    let options = entries.values.flatMap { (kind == .weight ? $0.weights : $0.activations) ?? [] }
    return Set(options.map(\.bits)).sorted(by: >)
  }
}

/// The lists of options that the rows of all tables are made of.
extension HardwareTable {
  /// Activations with one range.
  static let tensor8 = QuantizerOption.all(modes: [.symmetric, .asymmetric], perChannel: [false])
  /// Activations with one range a channel or in all.
  static let channel8 = QuantizerOption.all(modes: [.symmetric, .asymmetric], perChannel: [true, false])
  /// Symmetric activations with one range.
  static let symmetricTensor8 = QuantizerOption.all(modes: [.symmetric], perChannel: [false])
  /// Activations of 4 bits.
  static let tensor4 = QuantizerOption.all(bits: 4, modes: [.symmetric], perChannel: [false])
  /// Signed symmetric weights.
  static let symmetricWeights8 = QuantizerOption.all(modes: [.symmetric], perChannel: [true, false], forcedSign: true)
  /// Signed symmetric weights, then asymmetric ones.
  static let weights8 = symmetricWeights8 + QuantizerOption.all(modes: [.asymmetric], perChannel: [true, false])
  /// Symmetric weights of 4, then of 2 bits.
  static let weights4and2 = [4, 2].flatMap { QuantizerOption.all(bits: $0, modes: [.symmetric], perChannel: [true, false]) }
}
