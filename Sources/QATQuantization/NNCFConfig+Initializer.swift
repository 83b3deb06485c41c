import QATJSON

extension QuantizationConfiguration {
  /// The key `initializer` of the `quantization` section.
  static let initializerKey = SchemaKey<QuantizationConfiguration>(
    "initializer",
    read: { member, root, problems in initializer.read(member.value, into: &root, &problems) },
    write: { initializer.write($0) })

  private static let initializer = ObjectSchema<QuantizationConfiguration>(
    [
      SchemaKey("range", \.range, RangeInitialization.rule),
      SchemaKey(
        "batchnorm_adaptation",
        read: { member, root, problems in adaptation.read(member.value, into: &root, &problems) },
        write: { adaptation.write($0) }),
      SchemaKey("precision", optional: \.precision, PrecisionInitializer.schema.rule(defaults: PrecisionInitializer())),
    ], misplaced: ["num_init_samples": "it belongs in \"range\"", "num_bn_adaptation_samples": "it belongs in \"batchnorm_adaptation\""])

  private static let adaptation = ObjectSchema<QuantizationConfiguration>([
    SchemaKey("num_bn_adaptation_samples", \.batchNormAdaptationSampleCount, .integer(atLeast: 0))
  ])
}

extension QuantizationConfiguration.ScopeOverride {
  /// The key `initializer` of an override: how ranges are found there.
  static let initializerKey = SchemaKey<Self>(
    "initializer",
    read: { member, root, problems in initializer.read(member.value, into: &root, &problems) },
    write: { $0.range == nil ? .none : .some(initializer.write($0)) })

  private static let initializer = ObjectSchema<Self>(
    [
      SchemaKey(
        "range", optional: \.range,
        QuantizationConfiguration.RangeInitializer.schema.rule(defaults: QuantizationConfiguration.RangeInitializer()))
    ],
    misplaced: ["batchnorm_adaptation": concernsNetwork, "precision": concernsNetwork])

  private static let concernsNetwork = "it concerns the whole network: it belongs in the section's \"initializer\""
}

extension QuantizationConfiguration.RangeInitialization {
  private typealias Entry = QuantizationConfiguration.LayerRangeInitializer
  private typealias Initializer = QuantizationConfiguration.RangeInitializer

  /// One object for all quantizers, or an array with an entry for each layer.
  static let rule = ValueRule<Self>(
    expecting: "an object for all quantizers, or an array with an object for each layer",
    read: { node, problems in
      if node.array != nil { return layers.read(node, &problems).map(Self.perLayer) }
      return all.read(node, &problems).map(Self.everywhere)
    },
    write: { value in
      switch value {
      case .everywhere(let initializer): all.write(initializer)
      case .perLayer(let entries): layers.write(entries)
      }
    })

  private static let all = Initializer.schema.rule(defaults: Initializer())
  private static let layers = ValueRule.array(of: Entry.schema.rule(defaults: Entry()), "an array with at least one object", minimumCount: 1)
}

extension QuantizationConfiguration.RangeInitializer {
  static let schema = ObjectSchema<Self>(
    keys,
    misplaced: [
      "min_percentile": "it belongs in \"params\"", "max_percentile": "it belongs in \"params\"", "ignored_scopes": belongsToArray,
      "target_scopes": belongsToArray, "target_quantizer_group": belongsToArray,
    ])

  fileprivate static let keys: [SchemaKey<Self>] = [
    SchemaKey("num_init_samples", \.sampleCount, .integer(atLeast: 0)),
    SchemaKey("type", \.kind, .choice()),
    // Read after the type, which decides whether percentiles matter.
    SchemaKey("params", read: readParameters, write: { $0.kind.usesPercentiles ? .some(parameters.write($0)) : .none }),
  ]

  private static let belongsToArray = "it belongs to an entry of an array: \"range\": [{ ... }]"

  /// NNCF lets other keys stand there.
  private static let parameters = ObjectSchema<Self>(
    [SchemaKey("min_percentile", \.minimumPercentile, percentage), SchemaKey("max_percentile", \.maximumPercentile, percentage)],
    unknownKeys: .warned,
    rules: [
      { initializer, node, problems in
        let (low, high) = (initializer.minimumPercentile, initializer.maximumPercentile)
        if low >= high {
          problems.error("\"min_percentile\" is \(low) and \"max_percentile\" \(high); expected the first below the second", at: node)
        }
      }
    ])

  private static let percentage = ValueRule.number("a number from 0 to 100") { (0...100).contains($0) }

  @Sendable private static func readParameters(_ member: JSONMember, _ root: inout Self, _ problems: inout ProblemList) {
    var initializer = root
    parameters.read(member.value, into: &initializer, &problems)
    if root.kind.usesPercentiles {
      root = initializer
      return
    }
    for key in member.value.members ?? [] where parameters.supportedKeys.contains(key.key) {
      problems.warning("\"\(key.key)\" has no effect: it serves the types \"percentile\" and \"mean_percentile\"", at: key)
    }
  }
}

extension QuantizationConfiguration.LayerRangeInitializer {
  /// NNCF lets other keys stand there.
  static let schema = ObjectSchema<Self>(
    QuantizationConfiguration.RangeInitializer.keys.map { $0.within(\.initializer) } + [
      SchemaKey("ignored_scopes", \.ignoredScopes, .scopes),
      SchemaKey("target_scopes", optional: \.targetScopes, .scopes),
      SchemaKey("target_quantizer_group", optional: \.group, .choice()),
    ],
    unknownKeys: .warned,
    rules: [
      { _, node, problems in
        if node["target_scopes"] == nil && node["ignored_scopes"] == nil {
          problems.error("the entry says nothing of the quantizers it means; expected \"target_scopes\" or \"ignored_scopes\"", at: node)
        }
      }
    ])
}
