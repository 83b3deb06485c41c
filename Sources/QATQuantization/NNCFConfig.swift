import QATJSON

/// What NNCF's JSON configuration says: the model's inputs, the device, and what is compressed.
///
/// Of the compression algorithms this version knows quantization and knowledge distillation. Whatever else NNCF's schema allows is refused with its name and place,
/// never ignored. See docs/configuration.md for every key.
public struct NNCFConfig: Sendable, Hashable, Codable {
  /// The model's inputs in their order; empty when the model alone describes them.
  public var inputInfo: [InputInfo] = []
  /// The hardware table that placement uses.
  public var targetDevice = TargetDevice.any
  /// The `quantization` section, including scopes given at the root; nil leaves the network in floating point.
  public var quantization: QuantizationConfiguration?
  /// The `knowledge_distillation` section; nil without one.
  public var distillation: KnowledgeDistillation?
  /// When training may end early (`accuracy_aware_training`); nil for when its epochs are over.
  public var accuracyAwareTraining: AccuracyAwareTraining?
  /// Where pictures of the network are written, before and after quantization (`log_dir`); nil for nowhere.
  public var logDirectory: String?

  /// A configuration without compression.
  public init() {}

  /// Reads a configuration file.
  /// - Parameter path: path of a JSON file; comments and trailing commas are accepted.
  /// - Throws: every error of the file with line and JSON path, or why it is no JSON.
  public init(contentsOf path: String) throws(ConfigurationError) {
    let document: JSONDocument
    do { document = try JSONDocument.read(contentsOf: path) } catch { throw ConfigurationError(error) }
    try self.init(document: document)
  }

  /// Reads a configuration written in the program, such as `["input_info": ["sample_size": [1, 3, 224, 224]], "compression": ["algorithm": "quantization"]]`.
  /// - Throws: every error of the dictionary with JSON path.
  public init(_ dictionary: JSONValue) throws(ConfigurationError) {
    let document: JSONDocument
    do { document = try JSONDocument.parse(dictionary.text(), file: "the dictionary") } catch { throw ConfigurationError(error) }
    try self.init(document: document)
  }

  /// Reads a parsed configuration. Unknown keys of the root belong to other programs and are passed over.
  /// - Throws: every error of the document with line and JSON path.
  public init(document: JSONDocument) throws(ConfigurationError) {
    self.init()
    var problems = ProblemList(file: document.file)
    Self.schema.read(document.root, into: &self, &problems)
    try problems.throwErrors()
  }

  /// The configuration as JSON with every default shown; reads back as an equal configuration.
  public func resolvedJSON() -> JSONValue { Self.schema.write(self) }
}

/// One input of the model (`input_info`).
public struct InputInfo: Sendable, Hashable, Codable {
  /// The words that NNCF accepts for what fills an input of a trial run.
  enum Filler: String, CaseIterable {
    case ones, zeros, random
  }

  /// Element type of an input. An integer input is never quantized.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// 32-bit floating point.
    case float
    /// 64-bit integers.
    case long
  }

  /// Full shape, the batch first; nil when the model says it.
  public var sampleSize: [Int]?
  /// Element type.
  public var kind = Kind.float
  /// Name of the input; nil when inputs count by their position.
  public var keyword: String?

  /// An input described by the model alone.
  public init() {}
}
