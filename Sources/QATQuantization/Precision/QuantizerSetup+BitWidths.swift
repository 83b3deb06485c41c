import QATJSON

extension QuantizerSetup {
  /// Gives a quantizer, and those that share its parameters, the specification of another bit width.
  /// - Precondition: `choices` holds that bit width for all of them.
  mutating func setBitWidth(_ bits: Int, of id: String, _ choices: QuantizerChoices) {
    for member in sharers(of: id) {
      guard let index = points.firstIndex(where: { $0.id == member }), let choice = choices[member].first(where: { $0.bits == bits }) else {
        preconditionFailure("the quantizer '\(member)' cannot have \(bits) bits")
      }
      points[index].specification = choice
    }
  }

  /// Ids of the quantizers that use the same parameters as one of them, itself included.
  func sharers(of id: String) -> [String] { unifiedScaleGroups.first { $0.contains(id) } ?? [id] }

  /// Gives each named quantizer its bit width: the first whose id contains the text, as in NNCF. Of two for one quantizer the later one holds.
  /// - Throws: `QuantizationError` listing every text that no id contains, and every quantizer that cannot have the bit width.
  mutating func assign(
    _ assignments: [QuantizationConfiguration.PrecisionInitializer.Assignment], _ choices: QuantizerChoices
  ) throws(QuantizationError) {
    var faults: [String] = []
    for (index, assignment) in assignments.enumerated() {
      let entry = "bitwidth_per_scope[\(index)]"
      guard let id = points.first(where: { $0.id.contains(assignment.scope) })?.id else {
        let near = NearestWord.ranked(assignment.scope, among: points.map(\.id), count: 3).map { "'\($0)'" }.joined(separator: ", ")
        faults.append("\(entry): no quantizer's id contains '\(assignment.scope)'; nearest: \(near.isEmpty ? "nothing" : near)")
        continue
      }
      let widths = choices.commonBitWidths(sharers(of: id))
      guard widths.contains(assignment.bits) else {
        let offered = widths.isEmpty ? "no bit width in common with those that share its scale" : widths.map(String.init).joined(separator: ", ")
        faults.append("\(entry): the quantizer '\(id)' cannot have \(assignment.bits) bits; it is offered \(offered)")
        continue
      }
      setBitWidth(assignment.bits, of: id, choices)
    }
    guard faults.isEmpty else {
      throw QuantizationError("\"initializer\", \"precision\" cannot be met:\n" + faults.map { "  \($0)" }.joined(separator: "\n"))
    }
  }
}
