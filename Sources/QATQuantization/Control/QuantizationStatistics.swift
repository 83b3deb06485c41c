/// What a quantized network has in quantizers, in numbers. A set of parameters counts once, however many places share it.
/// Source: NNCF's quantization statistics.
public struct QuantizationStatistics: Sendable, Hashable {
  /// Properties of the quantizers of one kind.
  public struct Share: Sendable, Hashable {
    /// All quantizers of the kind.
    public var total = 0
    /// With one bound.
    public var symmetric = 0
    /// With two bounds.
    public var asymmetric = 0
    /// With codes on both sides of zero; asymmetric ones count as signed.
    public var signed = 0
    /// With codes from zero up.
    public var unsigned = 0
    /// With one range in all.
    public var perTensor = 0
    /// With one range a channel.
    public var perChannel = 0
    /// How many there could have been.
    public var potential = 0
  }

  /// Quantizers of one bit width.
  public struct BitWidth: Sendable, Hashable {
    /// The bit width.
    public var bits: Int
    /// Weight quantizers of it.
    public var weights = 0
    /// Activation quantizers of it.
    public var activations = 0
  }

  /// Weight quantizers.
  public var weights = Share()
  /// Activation quantizers.
  public var activations = Share()
  /// Quantizers by bit width, widest first.
  public var bitWidths: [BitWidth] = []
  /// Percentage of quantizers that are switched on.
  public var enabledPercentage = 100.0
  /// Bits of weights and activations.
  public var memory: MemoryConsumption
  /// How much of the data flows quantized.
  public var dataPath: QuantizedDataPath

  /// Counts a setup, of which some kinds of quantizers are switched on.
  init(
    _ setup: QuantizerSetup, _ potential: PotentialQuantizers, memory: MemoryConsumption, dataPath: QuantizedDataPath,
    enabled: Set<QuantizationPoint.Kind> = Set(QuantizationPoint.Kind.allCases)
  ) {
    self.memory = memory
    self.dataPath = dataPath
    let owners = setup.parameterOwners
    for point in setup.points where owners[point.id] == point.id {
      let specification = point.specification
      let isWeight = point.kind == .weight
      if isWeight { weights.count(specification) } else { activations.count(specification) }
      let index = bitWidths.firstIndex { $0.bits == specification.bits } ?? bitWidths.count
      if index == bitWidths.count { bitWidths.append(BitWidth(bits: specification.bits)) }
      if isWeight { bitWidths[index].weights += 1 } else { bitWidths[index].activations += 1 }
    }
    let (total, off) = (weights.total + activations.total, QuantizationPoint.Kind.allCases.filter { !enabled.contains($0) })
    let disabled = off.reduce(0) { $0 + ($1 == .weight ? weights.total : activations.total) }
    if total > 0 { enabledPercentage = 100 * Double(total - disabled) / Double(total) }
    bitWidths.sort { $0.bits > $1.bits }
    weights.potential = potential.weights
    activations.potential = potential.activations
  }
}

extension QuantizationStatistics.Share {
  fileprivate mutating func count(_ specification: QuantizerSpecification) {
    let isSymmetric = specification.mode == .symmetric
    total += 1
    symmetric += isSymmetric ? 1 : 0
    asymmetric += isSymmetric ? 0 : 1
    signed += specification.fakeQuantize.isSigned ? 1 : 0
    unsigned += specification.fakeQuantize.isSigned ? 0 : 1
    perTensor += specification.perChannel ? 0 : 1
    perChannel += specification.perChannel ? 1 : 0
  }
}
