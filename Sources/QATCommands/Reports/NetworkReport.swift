import QAT

/// What `qat inspect` shows of a network.
struct NetworkReport {
  var graph: Graph
  var fileSize: Int?
  var multiplyAdds: Int
  var operatorCounts: [(type: String, count: Int)]
  var quantizers: [QuantizerReport]
  var floatOperators: [FloatOperator]
  /// How large the sums of each integer layer can become.
  var certificates: [OverflowCertificate]
  /// Whether every runtime has the same codes; nil where nothing is quantized.
  var portability: Portability?
  var listsQuantizers: Bool
  /// How layers run forward in training; of a quantized network whose quantizers are listed.
  var arithmetic: LayerArithmeticReport?
  /// Of quantizers that were placed; nil for a network as it is in its file.
  var statistics: QuantizationStatistics?

  /// The fingerprint of the configuration that made the quantizers; nil when the file does not say it.
  var fingerprint: String?
  /// That of the configuration that the command was given; nil without one that quantizes.
  var configured: String?

  /// An operator that computes in floating point.
  struct FloatOperator {
    var name: String
    var type: String
    var reason: String
  }

  /// - Parameters:
  ///   - graph: the network, quantized or not.
  ///   - fileSize: size of its file.
  ///   - listsQuantizers: whether quantizers and operators in floating point are listed.
  ///   - statistics: what was placed, in numbers; nil when nothing was.
  ///   - reasons: by the names of operators that placement left in floating point, why; they say more than what the integers alone tell.
  ///   - fingerprint: of the configuration that made the quantizers.
  ///   - configured: of the configuration at hand.
  /// - Throws: `GraphError` when the graph is no network, `LoweringError` when its quantizers' values cannot become integers.
  init(
    _ graph: Graph, fileSize: Int?, listsQuantizers: Bool, statistics: QuantizationStatistics? = nil, reasons: [String: String] = [:],
    fingerprint: String? = nil, configured: String? = nil
  ) throws {
    self.graph = graph
    self.statistics = statistics
    self.fileSize = fileSize
    (self.fingerprint, self.configured) = (fingerprint, configured)
    self.listsQuantizers = listsQuantizers
    multiplyAdds = try graph.multiplyAdds()
    operatorCounts = Dictionary(graph.nodes.map { ($0.type, 1) }, uniquingKeysWith: +).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    quantizers = QuantizerReport.all(in: graph)
    let lowered = graph.isQuantized ? try lower(graph) : nil
    if listsQuantizers, graph.isQuantized {
      arithmetic = LayerArithmeticReport(layers: try Plan(graph, state: ModelState(graph), batchSize: 1, mode: .evaluation).layers)
    }
    floatOperators =
      lowered?.floatOperators.map { FloatOperator(name: $0.name, type: $0.type, reason: reasons[$0.name] ?? $0.reason) }
      ?? graph.nodes.map { FloatOperator(name: $0.name, type: $0.type, reason: "the network is not quantized") }
    certificates = lowered?.overflowCertificates ?? []
    portability = lowered?.portability
  }

  /// The network as boxes and arrows.
  /// - Throws: `GraphError` when the graph is no network.
  func picture() throws -> GraphPicture {
    try GraphPicture(graph, floatReasons: Dictionary(floatOperators.map { ($0.name, $0.reason) }, uniquingKeysWith: { first, _ in first }))
  }

  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("name", .string(graph.name)),
      .init("inputs", .array(graph.inputs.map { ["name": .string($0.name), "shape": Self.shape($0.type)] })),
      .init("outputs", .array(graph.outputs.map { .string($0) })),
      .init("parameters", .integer(graph.parameterCount)), .init("multiply_adds", .integer(multiplyAdds)),
      .init("operators", .object(operatorCounts.map { .init($0.type, .integer($0.count)) })),
    ]
    if let fileSize { members.append(.init("file_bytes", .integer(fileSize))) }
    if let fingerprint { members.append(.init("compression_fingerprint", .string(fingerprint))) }
    if let configured { members.append(.init("configured_fingerprint", .string(configured))) }
    if let statistics { members.append(.init("statistics", statistics.json)) }
    if listsQuantizers {
      members.append(.init("quantizers", .array(quantizers.map(\.json))))
      members.append(.init("overflow", .array(certificates.map(\.json))))
      if let portability { members.append(.init("portable", portability.json)) }
      members.append(
        .init("float_operators", .array(floatOperators.map { ["name": .string($0.name), "type": .string($0.type), "reason": .string($0.reason)] })))
    }
    if let arithmetic { members.append(.init("forward", arithmetic.json)) }
    return .object(members)
  }

  var text: String {
    var lines = [
      "network        \(graph.name)",
      "inputs         \(graph.inputs.map { "\($0.name) \($0.type)" }.joined(separator: ", "))",
      "outputs        \(graph.outputs.joined(separator: ", "))",
      "parameters     \(Numbers.grouped(graph.parameterCount))",
      "multiply-adds  \(Numbers.grouped(multiplyAdds)) a sample",
      "operators      \(operatorCounts.map { "\($0.count) \($0.type)" }.joined(separator: ", "))",
      "quantizers     \(quantizers.count { $0.isWeight }) of weights, \(quantizers.count { !$0.isWeight }) of activations",
    ]
    if let fileSize { lines.append("file           \(Numbers.bytes(fileSize))") }
    if let fingerprint { lines.append("compression    \(fingerprint)\(comparison)") }
    guard listsQuantizers else { return lines.joined(separator: "\n") }
    var table = TextTable(QuantizerReport.header)
    quantizers.forEach { table.add($0.cells) }
    lines += ["", table.text, "", "in floating point: \(floatOperators.isEmpty ? "nothing" : "\(floatOperators.count) operators")"]
    lines += floatOperators.map { "  \($0.name) (\($0.type)): \($0.reason)" }
    if !certificates.isEmpty { lines += ["", overflowLine] + unproven.map { "  \($0.warning)" } + [exactnessLine] + portabilityLines }
    if let arithmetic { lines += ["", arithmetic.text] }
    if let statistics { lines += ["", statistics.description] }
    return lines.joined(separator: "\n")
  }

  /// Whether the configuration at hand is the one that made the quantizers.
  private var comparison: String {
    guard let configured else { return "" }
    return configured == fingerprint ? ", as the configuration" : "; the configuration is another one, \(configured)"
  }

  private var unproven: [OverflowCertificate] { certificates.filter { !$0.isProven } }

  private var overflowLine: String {
    let largest = certificates.map(\.accumulator).max() ?? 0
    let bound = "the largest accumulator is \(Numbers.grouped(largest)) of \(Numbers.grouped(OverflowCertificate.accumulatorLimit))"
    return unproven.isEmpty
      ? "overflow: none of \(certificates.count) integer layers can overflow for any input, on any processor; \(bound)"
      : "overflow: \(unproven.count) of \(certificates.count) integer layers may; \(bound)"
  }

  private var exactnessLine: String {
    let inexact = certificates.filter { !$0.isExactInFloats }
    return inexact.isEmpty
      ? "floats: no sum of any layer leaves the whole numbers that float32 holds, \(Numbers.grouped(OverflowCertificate.floatLimit)), for any input"
      : "floats: sums of \(inexact.count) of \(certificates.count) integer layers may leave the whole numbers that float32 holds, "
        + "\(Numbers.grouped(OverflowCertificate.floatLimit))"
  }

  /// Nothing of networks that were not made to be portable.
  private var portabilityLines: [String] {
    guard let portability, portability.obstacles.isEmpty else { return [] }
    return portability.isProven
      ? ["portable: every code and score is the same in ONNX Runtime, OpenVINO and training's fake quantization"]
      : ["portable: codes are the same in every runtime, but for those beside ties at"] + portability.exceptions.map { "  \($0)" }
  }

  /// Dimensions; a dimension that depends on the batch by its name.
  private static func shape(_ type: TensorType) -> JSONValue {
    .array(type.dimensions.map { dimension in dimension.fixedSize.map { .integer($0) } ?? .string(dimension.description) })
  }
}

extension OverflowCertificate {
  fileprivate var json: JSONValue {
    [
      "layer": .string(layer), "pair_sum": pairSum.map { .integer($0) } ?? .null, "accumulator": .integer(accumulator), "proven": .bool(isProven),
      "exact_sum": .integer(exactSum), "exact_in_floats": .bool(isExactInFloats),
    ]
  }
}

extension Portability {
  fileprivate var json: JSONValue {
    ["proven": .bool(isProven), "obstacles": .array(obstacles.map { .string($0) }), "exceptions": .array(exceptions.map { .string($0) })]
  }
}
