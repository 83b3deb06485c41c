import QATJSON

extension QuantizationConfiguration.PrecisionInitializer {
  private typealias HAWQ = QuantizationConfiguration.HAWQ

  /// Keys of `initializer.precision`.
  static let schema = ObjectSchema<Self>(
    [
      SchemaKey(
        "type", \.kind,
        .choice(known: ["autoq": "is not supported: its search by reinforcement learning was removed from NNCF as well"])),
      key(of: .manual, SchemaKey("bitwidth_per_scope", \.assignments, .array(of: Assignment.rule, "an array of pairs [bits, \"quantizer\"]"))),
    ] + HAWQ.keys.map { key(of: .hawq, $0.within(\.hawq)) } + [
      SchemaKey.ineffective("warmup_iter_number", onlyAutoQ, .integer(atLeast: 0)),
      SchemaKey.ineffective("eval_subset_ratio", onlyAutoQ, ValueRule.positive),
    ])

  private static let onlyAutoQ = "it serves NNCF's type \"autoq\""

  /// A key that serves one type: with the other it is checked, and warned of.
  private static func key(of kind: Kind, _ key: SchemaKey<Self>) -> SchemaKey<Self> {
    SchemaKey(
      key.name,
      read: { member, root, problems in
        if root.kind == kind { return key.read(member, &root, &problems) }
        var unused = root
        key.read(member, &unused, &problems)
        problems.warning("\"\(key.name)\" has no effect: it serves the type \"\(kind.rawValue)\"", at: member)
      },
      write: { $0.kind == kind ? key.write($0) : nil })
  }
}

extension QuantizationConfiguration.HAWQ {
  /// The keys of the type `hawq`.
  static let keys: [SchemaKey<Self>] = [
    SchemaKey("bits", \.bitWidths, .array(of: .integer(atLeast: 2, atMost: 8), "an array of bit widths from 2 to 8", minimumCount: 1)),
    SchemaKey("num_data_points", \.sampleCount, .integer(atLeast: 1)),
    SchemaKey("iter_number", \.probeCount, .integer(atLeast: 1)),
    SchemaKey("tolerance", \.tolerance, .nonnegative),
    SchemaKey("compression_ratio", \.compressionRatio, .positive),
    SchemaKey("bitwidth_assignment_mode", \.assignmentMode, .choice()),
    SchemaKey("traces_per_layer_path", optional: \.tracesPath, .text),
    SchemaKey("dump_init_precision_data", \.dumpsData, .bool),
  ]
}

extension QuantizationConfiguration.PrecisionInitializer.Assignment {
  private static let bitWidth = ValueRule.integer(atLeast: 2, atMost: 8)
  private static let expectation = "a pair [bits, \"quantizer\"]: a bit width from 2 to 8 and part of a quantizer's id"

  /// A pair, as in `[4, "conv1|WEIGHT"]`.
  static let rule = ValueRule<Self>(
    expecting: expectation,
    read: { node, problems in
      guard let pair = node.array, pair.count == 2 else {
        problems.error("found \(node.summary); expected \(expectation)", at: node)
        return nil
      }
      guard let bits = bitWidth.read(pair[0], &problems), let scope = ValueRule.text.read(pair[1], &problems) else { return nil }
      return Self(bits: bits, scope: scope)
    },
    write: { .array([.integer($0.bits), .string($0.scope)]) })
}
