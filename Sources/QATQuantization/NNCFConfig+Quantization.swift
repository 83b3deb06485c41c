import QATJSON

extension QuantizationConfiguration {
  private static let belongsToGroup = "it belongs in \"weights\" or \"activations\""

  /// Keys of the `quantization` section.
  static let schema = ObjectSchema<QuantizationConfiguration>(
    [
      // Whoever reads the section has looked at the algorithm already.
      SchemaKey("algorithm", read: { _, _, _ in }, write: { _ in "quantization" }),
      SchemaKey("preset", optional: \.preset, .choice())
        .shown(where: { section in [section.weights, section.activations].contains { $0.demands.mode == nil } }),
      initializerKey,
      SchemaKey("weights", \.weights, Group.weightSchema.rule(defaults: Group())),
      SchemaKey("activations", \.activations, Group.activationSchema.rule(defaults: Group())),
      SchemaKey("quantize_inputs", \.quantizesInputs, .bool),
      SchemaKey("quantize_outputs", \.quantizesOutputs, .bool),
      SchemaKey("overflow_fix", optional: \.overflowFix, .choice()),
      SchemaKey("power_of_two_scales", \.usesPowersOfTwo, .bool),
      SchemaKey("ignored_scopes", \.ignoredScopes, .scopes),
      SchemaKey("target_scopes", optional: \.targetScopes, .scopes),
      SchemaKey("validate_scopes", \.validatesScopes, .bool),
      // After the groups, to which the overrides belong.
      SchemaKey("scope_overrides", read: readOverrides, write: { overrides.write($0) }),
      stagesKey,
      SchemaKey("compression_lr_multiplier", optional: \.learningRateMultiplier, .nonnegative),
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

  private static let overrides = ObjectSchema<QuantizationConfiguration>([
    SchemaKey("weights", \.weights.overrides, .scopeOverrides), SchemaKey("activations", \.activations.overrides, .scopeOverrides),
  ])

  @Sendable private static func readOverrides(_ member: JSONMember, _ root: inout Self, _ problems: inout ProblemList) {
    overrides.read(member.value, into: &root, &problems)
  }
}

extension QuantizationConfiguration.Demands {
  /// Bit widths that the device lacks are found when the section is read, where the device is known.
  static let schema = ObjectSchema<Self>([
    SchemaKey("mode", optional: \.mode, .choice()),
    SchemaKey("bits", optional: \.bits, .integer(atLeast: 2, atMost: 8)),
    // After the mode, on which it depends whether there is a sign to force.
    SchemaKey("signed", read: readSigned, write: { $0.signed.map { .bool($0) } }),
    SchemaKey("per_channel", optional: \.perChannel, .bool),
  ])

  @Sendable private static func readSigned(_ member: JSONMember, _ root: inout Self, _ problems: inout ProblemList) {
    guard let signed = ValueRule.bool.read(member.value, &problems) else { return }
    if root.mode == .asymmetric {
      problems.warning("\"signed\" has no effect: it concerns symmetric quantizers, and the mode is \"asymmetric\"", at: member)
    } else {
      root.signed = signed
    }
  }
}

extension QuantizationConfiguration.ScopeOverride {
  /// The value of an override; its key is the scope.
  static let schema = ObjectSchema<Self>(QuantizationConfiguration.Demands.schema.keys.map { $0.within(\.demands) } + [initializerKey])
}

extension QuantizationConfiguration.Group {
  static let weightSchema = ObjectSchema(keys, misplaced: ["unified_scale_ops": "it belongs in \"activations\""])
  static let activationSchema = ObjectSchema(
    keys + [
      SchemaKey(
        "unified_scale_ops", \.unifiedScaleOperators,
        .array(of: .array(of: .text, "an array of names of nodes", minimumCount: 1), "an array of arrays of names of nodes"))
    ])

  private static let keys: [SchemaKey<Self>] =
    QuantizationConfiguration.Demands.schema.keys.map { $0.within(\.demands) } + [
      SchemaKey("ignored_scopes", \.ignoredScopes, .scopes),
      SchemaKey("target_scopes", optional: \.targetScopes, .scopes),
      SchemaKey("validate_scopes", \.validatesScopes, .bool),
      SchemaKey("logarithm_scale", \.usesLogarithms, .bool),
    ]
}
