import QAT

/// One fake quantizer as `qat inspect` shows it.
struct QuantizerReport {
  var id: String
  var isWeight: Bool
  /// The node that owns the weight, or makes the activation; for an input of the network, the input's name.
  var operatorName: String
  var quantizer: FakeQuantize
  /// Values of its parameters, by name, as the network holds them.
  var parameters: [(name: String, values: [Float])]
  /// Ids of the quantizers that read the same parameters.
  var sharers: [String] = []

  /// All quantizers of a network in node order.
  static func all(in graph: Graph) -> [QuantizerReport] {
    let producers = graph.producers
    let consumers = graph.consumers
    let idsOfParameter = Dictionary(grouping: graph.nodes.filter { $0.op is FakeQuantize }, by: { $0.inputs[1] }).mapValues { $0.map(\.name) }
    return graph.nodes.compactMap { node in
      guard let quantizer = node.as(FakeQuantize.self) else { return nil }
      let source = node.inputs[0]
      let isWeight = graph.constants[source] != nil
      let reader = consumers[node.outputs[0]]?.first.map { graph.nodes[$0.node].name }
      let owner = isWeight ? reader ?? source : producers[source].map { graph.nodes[$0].name } ?? source
      let names = quantizer.mode == .asymmetric ? ["input_low", "input_range"] : ["scale"]
      let parameters = zip(names, node.inputs.dropFirst()).map { name, tensor in (name, graph.tensor(tensor)?.floats ?? []) }
      let sharers = (idsOfParameter[node.inputs[1]] ?? []).filter { $0 != node.name }
      return QuantizerReport(
        id: node.name, isWeight: isWeight, operatorName: owner, quantizer: quantizer, parameters: parameters, sharers: sharers)
    }
  }

  /// What `--json` shows.
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("id", .string(id)), .init("kind", .string(isWeight ? "weight" : "activation")), .init("operator", .string(operatorName)),
      .init("bits", .integer(quantizer.bits)), .init("mode", .string(mode)), .init("signed", .bool(isSigned)),
      .init("per_channel", .bool(quantizer.channelAxis != nil)), .init("narrow_range", .bool(quantizer.narrowRange)),
      .init("half_range", .bool(quantizer.halfRange)), .init("pairwise", .bool(quantizer.pairing != nil)),
      .init("power_of_two_step", .bool(quantizer.hasPowerOfTwoStep)),
    ]
    for (name, values) in parameters {
      // Scales are shown as what they stand for, also where the network holds their logarithms.
      let isLogarithm = quantizer.isLogarithmic && name != "input_low"
      let numbers = values.map { JSONValue.number(Double(isLogarithm ? quantizer.extent(of: $0) : $0)) }
      members.append(.init(name, numbers.count == 1 && quantizer.channelAxis == nil ? numbers[0] : .array(numbers)))
    }
    if !sharers.isEmpty { members.append(.init("shares_scale_with", .array(sharers.map { .string($0) }))) }
    return .object(members)
  }

  /// One row of the table.
  var cells: [String] {
    [id, isWeight ? "weight" : "activation", "\(quantizer.bits)", mode, isSigned ? "yes" : "no", granularity, range]
  }

  /// The header of the table.
  static let header = ["quantizer", "kind", "bits", "mode", "signed", "ranges", "lowest and highest value"]

  /// How it quantizes, in a few words.
  var summary: String { "\(quantizer.bits)-bit \(mode), \(granularity == "tensor" ? "one range" : granularity)" }

  private var granularity: String { quantizer.channelAxis == nil ? "tensor" : "\(parameters.first?.values.count ?? 0) channels" }

  /// The lowest and the highest value on the grid, of all channels; nil when its parameters are not known.
  var bounds: (low: Double, high: Double)? {
    let values = parameters.map(\.values)
    guard let count = values.first?.count, count > 0, values.allSatisfy({ $0.count == count }) else { return nil }
    let grids: [FakeQuantize.Grid<Float>] = (0..<count).map { quantizer.grid(parameters: values, at: $0) }
    return (Double(grids.map(\.low).min() ?? 0), Double(grids.map(\.high).max() ?? 0))
  }

  /// The bounds in words, and with whom they are shared.
  var range: String {
    guard let bounds else { return "?" }
    let text = "\(Numbers.fixed(bounds.low, 5)) \(Numbers.fixed(bounds.high, 5))"
    return sharers.isEmpty ? text : "\(text) (shared with \(sharers.joined(separator: ", ")))"
  }

  private var mode: String { quantizer.mode == .asymmetric ? "asymmetric" : "symmetric" }

  /// An asymmetric quantizer is signed when its range begins below zero.
  private var isSigned: Bool {
    quantizer.mode == .asymmetric ? parameters.first?.values.contains { $0 < 0 } ?? false : quantizer.isSigned
  }
}
