import QATJSON

/// What is said of keys and values that NNCF has and this version does not.
let notYet = "is known to NNCF but not supported by this version"

extension NNCFConfig {
  /// Root keys of NNCF's schema. Unknown keys are allowed there, unless they look like a misspelt key.
  public static let schema = ObjectSchema<NNCFConfig>(
    [
      SchemaKey("input_info", \.inputInfo, .oneOrMany(InputInfo.schema.rule(defaults: InputInfo()))),
      SchemaKey("target_device", \.targetDevice, .choice(known: ["VPU": "is called \"NPU\" since version 2.9 of NNCF"])),
      // After the device, which says what the sections may demand.
      SchemaKey("compression", read: readCompression, write: writeCompression),
      // Read after `compression`, whose sections they extend; the resolved configuration shows them in the section.
      SchemaKey("ignored_scopes", read: readIgnoredScopes, write: { _ in nil }),
      SchemaKey("target_scopes", read: readTargetScopes, write: { _ in nil }),
      SchemaKey("accuracy_aware_training", optional: \.accuracyAwareTraining, AccuracyAwareTraining.schema.rule(defaults: AccuracyAwareTraining())),
      SchemaKey("compression_lr_multiplier", read: readMultiplier, write: { _ in nil }),
      .ineffective("disable_shape_matching", "it is deprecated and NNCF ignores it as well", .bool),
      SchemaKey("log_dir", read: readLogDirectory, write: { $0.logDirectory.map { .string($0) } }).shown(where: { $0.quantization != nil }),
    ], unknownKeys: .warned)

  private static let algorithms = "\"quantization\" or \"knowledge_distillation\""

  /// Algorithms of NNCF besides these.
  private static let otherAlgorithms = [
    "experimental_quantization", "magnitude_sparsity", "rb_sparsity", "const_sparsity", "filter_pruning",
    "bootstrapNAS", "movement_sparsity", "binarization",
  ]

  @Sendable private static func readCompression(_ member: JSONMember, _ root: inout NNCFConfig, _ problems: inout ProblemList) {
    let sections = member.value.array ?? [member.value]
    var firstLines: [String: Int] = [:]
    for section in sections {
      guard section.members != nil else {
        problems.error("found \(section.summary); expected an object with the key \"algorithm\"", at: section)
        continue
      }
      guard let node = section["algorithm"] else {
        problems.error("the key \"algorithm\" is missing; expected \"algorithm\": \"quantization\"", at: section)
        continue
      }
      guard let algorithm = node.string else {
        problems.error("found \(node.summary); expected \"quantization\"", at: node)
        continue
      }
      if let line = firstLines.updateValue(node.line, forKey: algorithm) {
        problems.error("the algorithm \"\(algorithm)\" is listed twice, first on line \(line); merge the sections into one", at: node)
        continue
      }
      read(section, algorithm: algorithm, at: node, &root, &problems)
    }
  }

  @Sendable private static func writeCompression(_ root: NNCFConfig) -> JSONValue? {
    let sections = [
      root.quantization.map(QuantizationConfiguration.schema.write), root.distillation.map(KnowledgeDistillation.schema.write),
    ].compactMap { $0 }
    return sections.count > 1 ? .array(sections) : sections.first
  }

  private static func read(
    _ section: JSONNode, algorithm: String, at node: JSONNode, _ root: inout NNCFConfig, _ problems: inout ProblemList
  ) {
    switch algorithm {
    case "quantization":
      var quantization = QuantizationConfiguration()
      QuantizationConfiguration.schema.read(section, into: &quantization, &problems)
      quantization.resolve(on: root.targetDevice, section, &problems)
      root.quantization = quantization
    case KnowledgeDistillation.algorithm:
      var distillation = KnowledgeDistillation(.mse)
      KnowledgeDistillation.schema.read(section, into: &distillation, &problems)
      root.distillation = distillation
    case let other where otherAlgorithms.contains(other):
      problems.error("the algorithm \"\(other)\" \(notYet); expected \(algorithms)", at: node)
    default:
      let hint =
        NearestWord.to(algorithm, among: ["quantization", KnowledgeDistillation.algorithm] + otherAlgorithms).map { "; did you mean \"\($0)\"?" }
        ?? ""
      problems.error("found the unknown algorithm \(node.summary); expected \(algorithms)\(hint)", at: node)
    }
  }

  @Sendable private static func readLogDirectory(_ member: JSONMember, _ root: inout NNCFConfig, _ problems: inout ProblemList) {
    guard let folder = ValueRule<String>.text.read(member.value, &problems) else { return }
    if hasSection(for: member, root, &problems) { root.logDirectory = folder }
  }

  /// Stands for the section's where it has none.
  @Sendable private static func readMultiplier(_ member: JSONMember, _ root: inout NNCFConfig, _ problems: inout ProblemList) {
    guard let multiplier = ValueRule<Double>.nonnegative.read(member.value, &problems), hasSection(for: member, root, &problems) else { return }
    if root.quantization?.learningRateMultiplier == nil { root.quantization?.learningRateMultiplier = multiplier }
  }

  @Sendable private static func readIgnoredScopes(_ member: JSONMember, _ root: inout NNCFConfig, _ problems: inout ProblemList) {
    guard let scopes = ValueRule.scopes.read(member.value, &problems), hasSection(for: member, root, &problems) else { return }
    let known = root.quantization?.ignoredScopes ?? []
    root.quantization?.ignoredScopes = scopes.filter { !known.contains($0) } + known
  }

  @Sendable private static func readTargetScopes(_ member: JSONMember, _ root: inout NNCFConfig, _ problems: inout ProblemList) {
    guard let scopes = ValueRule.scopes.read(member.value, &problems), hasSection(for: member, root, &problems) else { return }
    if root.quantization?.targetScopes == nil { root.quantization?.targetScopes = scopes }
  }

  /// Whether there is a section that a key of the root belongs to; warns when there is none.
  private static func hasSection(for member: JSONMember, _ root: NNCFConfig, _ problems: inout ProblemList) -> Bool {
    if root.quantization != nil { return true }
    problems.warning("\"\(member.key)\" has no effect: there is no section with \"algorithm\": \"quantization\"", at: member)
    return false
  }
}

extension InputInfo {
  static let schema = ObjectSchema<InputInfo>(
    [
      SchemaKey(
        "sample_size", optional: \.sampleSize,
        .array(of: .integer(atLeast: 1), "an array of integers of at least 1: the full shape, the batch first", minimumCount: 1)),
      SchemaKey(
        "type", \.kind,
        ValueRule(
          expecting: "\"float\" or \"long\"",
          read: { node, problems in
            guard let word = node.string else {
              problems.error("found \(node.summary); expected \"float\" or \"long\"", at: node)
              return nil
            }
            // NNCF takes any other word for float32 without a word; that is said here.
            if !["float", "float32", "long"].contains(word) {
              problems.warning("\(node.summary) counts as \"float\"; only \"long\" means 64-bit integers", at: node)
            }
            return word == "long" ? .long : .float
          },
          write: { .string($0.rawValue) })),
      .ineffective("filler", "no trial input is run, the model says its shapes itself", ValueRule<InputInfo.Filler>.choice()),
      SchemaKey("keyword", optional: \.keyword, .text),
    ])
}
