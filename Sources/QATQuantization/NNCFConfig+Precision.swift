import QATJSON

extension QuantizationConfiguration.PrecisionInitializer {
  /// Keys of `initializer.precision`.
  static let schema = ObjectSchema<Self>([
    SchemaKey(
      "type", \.kind,
      .choice(known: ["hawq": notYet, "autoq": "is not supported: its search by reinforcement learning was removed from NNCF as well"])),
    SchemaKey("bitwidth_per_scope", \.assignments, .array(of: Assignment.rule, "an array of pairs [bits, \"quantizer\"]")),
  ])
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
