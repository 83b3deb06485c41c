/// What a quantized network has in quantizers, in numbers. A set of parameters counts once, however many places share it.
/// Source: NNCF's quantization statistics.
public struct QuantizationStatistics: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Properties of the quantizers of one kind.
  public struct Share: Sendable, Hashable, Codable {
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
  public struct BitWidth: Sendable, Hashable, Codable {
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

  /// Counts a setup.
  init(_ setup: QuantizerSetup, _ potential: PotentialQuantizers) {
    let owners = setup.parameterOwners
    for point in setup.points where owners[point.id] == point.id {
      let specification = point.specification
      let isWeight = point.kind == .weight
      if isWeight { weights.count(specification) } else { activations.count(specification) }
      let index = bitWidths.firstIndex { $0.bits == specification.bits } ?? bitWidths.count
      if index == bitWidths.count { bitWidths.append(BitWidth(bits: specification.bits)) }
      if isWeight { bitWidths[index].weights += 1 } else { bitWidths[index].activations += 1 }
    }
    bitWidths.sort { $0.bits > $1.bits }
    weights.potential = potential.weights
    activations.potential = potential.activations
  }

  /// The three tables that NNCF prints.
  public var description: String {
    let enabled = TextTable(
      title: "Statistics of the quantization algorithm", ["Statistic's name", "Value"],
      [["Ratio of enabled quantizations", format(enabledPercentage)]])
    let share = TextTable(
      title: "Statistics of the quantization share", ["Statistic's name", "Value"], rows(weights, "WQs") + rows(activations, "AQs"))
    let widths = TextTable(
      title: "Statistics of the bitwidth distribution",
      ["Num bits (N)", "N-bits WQs / Placed WQs", "N-bits AQs / Placed AQs", "N-bits Qs / Placed Qs"],
      bitWidths.map { width in
        [
          "\(width.bits)", ratio(width.weights, weights.total), ratio(width.activations, activations.total),
          ratio(width.weights + width.activations, weights.total + activations.total),
        ]
      })
    return [enabled, share, widths].map(\.description).joined(separator: "\n\n")
  }

  private func rows(_ share: Share, _ kind: String) -> [[String]] {
    let properties: [(String, Int)] = [
      ("Symmetric", share.symmetric), ("Asymmetric", share.asymmetric), ("Signed", share.signed), ("Unsigned", share.unsigned),
      ("Per-tensor", share.perTensor), ("Per-channel", share.perChannel),
    ]
    return properties.map { ["\($0) \(kind) / All placed \(kind)", ratio($1, share.total)] } + [
      ["Placed \(kind) / Potential \(kind)", ratio(share.total, share.potential)]
    ]
  }

  /// "xx.xx % (n / total)".
  private func ratio(_ part: Int, _ total: Int) -> String {
    "\(format(total == 0 ? 0 : 100 * Double(part) / Double(total))) % (\(part) / \(total))"
  }

  private func format(_ percentage: Double) -> String {
    let hundredths = Int((percentage * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
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

/// A table of text with a title, column heads and aligned columns.
private struct TextTable: CustomStringConvertible {
  let description: String

  init(title: String, _ heads: [String], _ rows: [[String]]) {
    let widths = heads.indices.map { column in ([heads] + rows).map { $0[column].count }.max() ?? 0 }
    let rule = "+" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "+") + "+"
    func line(_ cells: [String]) -> String {
      "| " + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ") + " |"
    }
    description = ([title, rule, line(heads), rule] + rows.map(line) + [rule]).joined(separator: "\n")
  }
}
