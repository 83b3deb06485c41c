import QAT

/// One fake quantizer as `qat inspect` shows it.
struct QuantizerReport {
  var id: String
  var isWeight: Bool
  /// The node that owns the weight, or makes the activation; for an input of the network, the input's name.
  var operatorName: String
  var quantizer: FakeQuantize
  /// Values of its parameters, by name.
  var parameters: [(name: String, values: [Float])]

  /// All quantizers of a network in node order.
  static func all(in graph: Graph) -> [QuantizerReport] {
    let producers = graph.producers
    let consumers = graph.consumers
    return graph.nodes.compactMap { node in
      guard let quantizer = node.as(FakeQuantize.self) else { return nil }
      let source = node.inputs[0]
      let isWeight = graph.constants[source] != nil
      let reader = consumers[node.outputs[0]]?.first.map { graph.nodes[$0.node].name }
      let owner = isWeight ? reader ?? source : producers[source].map { graph.nodes[$0].name } ?? source
      let names = quantizer.mode == .asymmetric ? ["input_low", "input_range"] : ["scale"]
      let parameters = zip(names, node.inputs.dropFirst()).map { name, tensor in (name, graph.tensor(tensor)?.floats ?? []) }
      return QuantizerReport(id: node.name, isWeight: isWeight, operatorName: owner, quantizer: quantizer, parameters: parameters)
    }
  }

  /// What `--json` shows.
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("id", .string(id)), .init("kind", .string(isWeight ? "weight" : "activation")), .init("operator", .string(operatorName)),
      .init("bits", .integer(quantizer.bits)), .init("mode", .string(mode)), .init("signed", .bool(isSigned)),
      .init("per_channel", .bool(quantizer.channelAxis != nil)), .init("narrow_range", .bool(quantizer.narrowRange)),
      .init("half_range", .bool(quantizer.halfRange)),
    ]
    for (name, values) in parameters {
      let numbers = values.map { JSONValue.number(Double($0)) }
      members.append(.init(name, numbers.count == 1 && quantizer.channelAxis == nil ? numbers[0] : .array(numbers)))
    }
    return .object(members)
  }

  /// One row of the table.
  var cells: [String] {
    [
      id, isWeight ? "weight" : "activation", "\(quantizer.bits)", mode, isSigned ? "yes" : "no", quantizer.channelAxis == nil ? "no" : "yes",
      parameters.map { "\($0.name) \(Self.summary($0.values))" }.joined(separator: ", "),
    ]
  }

  /// The header of the table.
  static let header = ["quantizer", "kind", "bits", "mode", "signed", "per channel", "parameters"]

  private var mode: String { quantizer.mode == .asymmetric ? "asymmetric" : "symmetric" }

  /// An asymmetric quantizer is signed when its range begins below zero.
  private var isSigned: Bool {
    quantizer.mode == .asymmetric ? parameters.first?.values.contains { $0 < 0 } ?? false : quantizer.isSigned
  }

  private static func summary(_ values: [Float]) -> String {
    guard let low = values.min(), let high = values.max() else { return "?" }
    let first = Numbers.fixed(Double(low), 5)
    return low == high ? first : "\(first)...\(Numbers.fixed(Double(high), 5))"
  }
}
