import QATJSON

extension HessianTraces {
  /// The name under which traces are written to `log_dir`.
  static let fileName = "hawq_traces.json"

  private struct Entry: Sendable {
    var id = ""
    var averageTrace = 0.0

    static let schema = ObjectSchema<Entry>([
      SchemaKey("quantizer", \.id, .text).required, SchemaKey("average_trace", \.averageTrace, .number).required,
      SchemaKey.ineffective("elements", "it is told for people", .integer(atLeast: 0)),
    ])
  }

  private struct File: Sendable {
    var entries: [Entry] = []

    static let schema = ObjectSchema<File>([
      SchemaKey("traces", \.entries, .array(of: Entry.schema.rule(defaults: Entry()), "an array of traces", minimumCount: 1)).required
    ])
  }

  /// What is written: each weight's quantizer with its trace, by rising trace.
  static func json(of layers: [PrecisionReport.Layer]) -> JSONValue {
    [
      "traces": .array(
        layers.map { ["quantizer": .string($0.id), "average_trace": .number($0.averageTrace), "elements": .integer($0.elementCount)] })
    ]
  }

  /// Reads traces that an earlier run has written.
  /// - Parameters:
  ///   - path: the file.
  ///   - weights: the quantizers of weights, and the weight of each.
  /// - Throws: every error of the file with line and JSON path; `QuantizationError` listing the quantizers that it leaves out or names besides.
  init(contentsOf path: String, for weights: [(id: String, tensor: String)]) throws {
    let document: JSONDocument
    do { document = try JSONDocument.read(contentsOf: path) } catch { throw ConfigurationError(error) }
    var problems = ProblemList(file: document.file)
    var file = File()
    File.schema.read(document.root, into: &file, &problems)
    try problems.throwErrors()
    let known = Dictionary(file.entries.map { ($0.id, $0.averageTrace) }, uniquingKeysWith: { first, _ in first })
    let missing = weights.map(\.id).filter { known[$0] == nil }
    let foreign = known.keys.filter { id in !weights.contains { $0.id == id } }.sorted()
    guard missing.isEmpty, foreign.isEmpty else {
      let faults = missing.map { "  no trace of '\($0)'" } + foreign.map { "  a trace of '\($0)', which is no weight quantizer" }
      throw QuantizationError("the traces in \(path) are not those of this network's quantizers:\n" + faults.joined(separator: "\n"))
    }
    average = Dictionary(weights.map { ($0.tensor, known[$0.id] ?? 0) }, uniquingKeysWith: { first, _ in first })
  }
}
