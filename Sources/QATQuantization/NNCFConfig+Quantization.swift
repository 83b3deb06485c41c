import QATJSON

extension QuantizationConfiguration {
  private static let belongsToGroup = "it belongs in \"weights\" or \"activations\""

  /// Keys of the `quantization` section.
  static let schema = ObjectSchema<QuantizationConfiguration>(
    [
      // Whoever reads the section has looked at the algorithm already.
      SchemaKey("algorithm", read: { _, _, _ in }, write: { _ in "quantization" }),
      SchemaKey("preset", \.preset, .choice()),
      SchemaKey("initializer", read: readInitializer, write: { initializer.write($0) }),
      SchemaKey("weights", \.weights, Group.weightSchema.rule(defaults: Group())),
      SchemaKey("activations", \.activations, Group.activationSchema.rule(defaults: Group())),
      SchemaKey("quantize_inputs", \.quantizesInputs, .bool),
      SchemaKey("quantize_outputs", \.quantizesOutputs, .bool),
      SchemaKey("overflow_fix", \.overflowFix, .choice()),
      SchemaKey("ignored_scopes", \.ignoredScopes, .scopes),
      SchemaKey("target_scopes", optional: \.targetScopes, .scopes),
      SchemaKey("validate_scopes", \.validatesScopes, .bool),
      .refused("scope_overrides", notYet),
      .refused("params", notYet, unless: { $0.members?.isEmpty == true }),
      .refused("compression_lr_multiplier", notYet),
      .ineffective("export_to_onnx_standard_ops", "the format is chosen when the model is exported", .bool),
    ],
    misplaced: [
      "mode": belongsToGroup, "bits": belongsToGroup, "per_channel": belongsToGroup, "signed": belongsToGroup,
      "logarithm_scale": belongsToGroup, "unified_scale_ops": "it belongs in \"activations\"",
      "range": "it belongs in \"initializer\"", "batchnorm_adaptation": "it belongs in \"initializer\"",
      "precision": "it belongs in \"initializer\"", "num_init_samples": "it belongs in \"initializer.range\"",
      "disable_saturation_fix": "newer versions of NNCF call it \"overflow_fix\": \"disable\"",
      "target_device": "it belongs at the root", "input_info": "it belongs at the root",
    ])

  private static let initializer = ObjectSchema<QuantizationConfiguration>(
    [
      SchemaKey("range", read: readRange, write: { RangeInitializer.schema.write($0.range) }),
      SchemaKey("batchnorm_adaptation", read: readAdaptation, write: { adaptation.write($0) }),
      .refused("precision", notYet),
    ], misplaced: ["num_init_samples": "it belongs in \"range\"", "num_bn_adaptation_samples": "it belongs in \"batchnorm_adaptation\""])

  private static let adaptation = ObjectSchema<QuantizationConfiguration>([
    SchemaKey("num_bn_adaptation_samples", \.batchNormAdaptationSampleCount, .integer(atLeast: 0))
  ])

  @Sendable private static func readInitializer(_ member: JSONMember, _ root: inout Self, _ problems: inout ProblemList) {
    initializer.read(member.value, into: &root, &problems)
  }

  @Sendable private static func readAdaptation(_ member: JSONMember, _ root: inout Self, _ problems: inout ProblemList) {
    adaptation.read(member.value, into: &root, &problems)
  }

  @Sendable private static func readRange(_ member: JSONMember, _ root: inout Self, _ problems: inout ProblemList) {
    if member.value.array != nil {
      problems.error("an array with one range for each layer \(notYet); expected one object for all layers", at: member.value)
    } else {
      RangeInitializer.schema.read(member.value, into: &root.range, &problems)
    }
  }
}

extension QuantizationConfiguration.RangeInitializer {
  static let schema = ObjectSchema<Self>(
    [
      SchemaKey("num_init_samples", \.sampleCount, .integer(atLeast: 0)),
      SchemaKey("type", \.kind, .choice(known: ["threesigma": notYet, "percentile": notYet, "mean_percentile": notYet])),
      .refused("params", "serves the percentile types, which this version does not support", unless: { $0.members?.isEmpty == true }),
    ],
    misplaced: [
      "min_percentile": "it belongs in \"params\"", "max_percentile": "it belongs in \"params\"",
      "ignored_scopes": "it belongs to an array with one range for each layer, which this version does not support",
      "target_scopes": "it belongs to an array with one range for each layer, which this version does not support",
      "target_quantizer_group": "it belongs to an array with one range for each layer, which this version does not support",
    ])
}

extension QuantizationConfiguration.Group {
  static let weightSchema = ObjectSchema(keys, misplaced: ["unified_scale_ops": "it belongs in \"activations\""])
  static let activationSchema = ObjectSchema(
    keys + [.refused("unified_scale_ops", notYet, unless: { $0.array?.isEmpty == true })])

  private static let keys: [SchemaKey<Self>] = [
    SchemaKey("mode", optional: \.mode, .choice()),
    SchemaKey("bits", optional: \.bits, bits),
    SchemaKey("signed", optional: \.signed, .bool),
    SchemaKey("per_channel", optional: \.perChannel, .bool),
    SchemaKey("ignored_scopes", \.ignoredScopes, .scopes),
    SchemaKey("target_scopes", optional: \.targetScopes, .scopes),
    SchemaKey("validate_scopes", \.validatesScopes, .bool),
    .refused("logarithm_scale", notYet, unless: { $0.bool == false }),
  ]

  /// The devices that are supported compute in 8 bits only.
  private static let bits = ValueRule<Int>(
    expecting: "8",
    read: { node, problems in
      switch node.number?.integer {
      case 8: return 8
      case .some(let other) where (2...16).contains(other):
        problems.error("\(other) bits are not in the tables of the devices ANY and CPU; expected 8", at: node)
      default: problems.error("found \(node.summary); expected 8", at: node)
      }
      return nil
    },
    write: { .integer($0) })
}
