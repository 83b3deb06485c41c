extension QuantizationStatistics: CustomStringConvertible {
  /// The tables that NNCF prints, one below the other.
  public var description: String {
    [enabledTable, shareTable, bitWidthTable, memoryTable, dataPathTable].map(\.description).joined(separator: "\n\n")
  }

  private var enabledTable: StatisticsTable {
    StatisticsTable("Statistics of the quantization algorithm", [["Ratio of enabled quantizations", hundredths(enabledPercentage)]])
  }

  private var shareTable: StatisticsTable {
    StatisticsTable("Statistics of the quantization share", rows(weights, "WQs") + rows(activations, "AQs"))
  }

  private var bitWidthTable: StatisticsTable {
    StatisticsTable(
      "Statistics of the bitwidth distribution",
      bitWidths.map { width in
        [
          "\(width.bits)", ratio(width.weights, weights.total), ratio(width.activations, activations.total),
          ratio(width.weights + width.activations, weights.total + activations.total),
        ]
      }, heads: ["Num bits (N)", "N-bits WQs / Placed WQs", "N-bits AQs / Placed AQs", "N-bits Qs / Placed Qs"])
  }

  private var memoryTable: StatisticsTable {
    StatisticsTable(
      "Statistics of the memory consumption",
      [
        ["Memory consumption of full-precision weights (Mbyte)", megabytes(memory.floatWeightBits)],
        ["Memory consumption of quantized weights (Mbyte)", megabytes(memory.quantizedWeightBits)],
        ["Largest activation tensor in the full-precision model (Mbyte)", megabytes(memory.largestFloatActivationBits)],
        ["Largest activation tensor in the quantized model (Mbyte)", megabytes(memory.largestQuantizedActivationBits)],
        ["Memory consumption decrease of weights", hundredths(memory.weightDecreaseFactor)],
      ])
  }

  private var dataPathTable: StatisticsTable {
    StatisticsTable(
      "Statistics of the quantization configuration", [["Share edges of the quantized data path", ratio(dataPath.quantizedEdges, dataPath.edges)]])
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
    "\(hundredths(total == 0 ? 0 : 100 * Double(part) / Double(total))) % (\(part) / \(total))"
  }

  /// NNCF's Mbyte: 2²³ bits. Small networks need more places.
  private func megabytes(_ bits: Int) -> String { decimal(Double(bits) / 8_388_608, places: 4) }

  private func hundredths(_ value: Double) -> String { decimal(value, places: 2) }

  private func decimal(_ value: Double, places: Int) -> String {
    let unit = (0..<places).reduce(1) { unit, _ in unit * 10 }
    let rounded = Int((value * Double(unit)).rounded())
    let fraction = String(rounded % unit)
    return "\(rounded / unit).\(String(repeating: "0", count: places - fraction.count))\(fraction)"
  }
}

/// A table of text with a title, column heads and aligned columns.
struct StatisticsTable: CustomStringConvertible {
  let description: String

  init(_ title: String, _ rows: [[String]], heads: [String] = ["Statistic's name", "Value"]) {
    let widths = heads.indices.map { column in ([heads] + rows).map { $0[column].count }.max() ?? 0 }
    let rule = "+" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "+") + "+"
    func line(_ cells: [String]) -> String {
      "| " + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ") + " |"
    }
    description = ([title, rule, line(heads), rule] + rows.map(line) + [rule]).joined(separator: "\n")
  }
}
