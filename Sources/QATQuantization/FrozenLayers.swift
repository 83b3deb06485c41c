import QATGraph
import QATJSON

extension Graph {
  /// The network with the parameters of some layers fixed: training does not move them.
  /// - Parameter layers: scopes of nodes: exact names, or `{re}` and regular expressions. A parameter that any of them reads is fixed.
  /// - Returns: the network.
  /// - Throws: `QuantizationError` listing the scopes that match no node with parameters, each with the names nearest to it.
  public func freezing(_ layers: [String]) throws(QuantizationError) -> Graph {
    var result = self
    let names = nodes.filter { node in node.inputs.contains { constants[$0]?.role == .parameter } }.map(\.name)
    var faults: [String] = []
    for scope in try Scope.list(layers) {
      if !names.contains(where: scope.matches) {
        let near = NearestWord.ranked(scope.text.replacing("{re}", with: ""), among: names, count: 3).map { "'\($0)'" }.joined(separator: ", ")
        faults.append("  '\(scope.text)' matches no node with parameters; nearest: \(near.isEmpty ? "nothing" : near)")
      }
      for node in nodes where scope.matches(node.name) {
        for input in node.inputs where result.constants[input]?.role == .parameter { result.constants[input]?.role = .fixed }
      }
    }
    guard faults.isEmpty else {
      throw QuantizationError("\"frozen_layers\" of the network '\(name)':\n" + faults.joined(separator: "\n"))
    }
    return result
  }
}

extension QuantizerSetup {
  /// What is to be said of quantized weights that training does not move. Source: NNCF 2.14's treatment of frozen layers.
  /// - Parameters:
  ///   - graph: the fp32 network.
  ///   - choosesBits: whether the configuration chooses bit widths point by point.
  /// - Returns: a warning; nil when there are none.
  /// - Throws: `QuantizationError` when a quantizer has other than 8 bits, or might have: what few bits lose, such weights cannot make up for.
  func frozenWeightWarning(in graph: Graph, choosesBits: Bool) throws(QuantizationError) -> String? {
    let frozen = weightPoints.filter { point in point.tensor(in: graph).flatMap { graph.constants[$0]?.role } == .fixed }.map(\.target.name)
    if frozen.isEmpty { return nil }
    let list = frozen.map { "'\($0)'" }.joined(separator: ", ")
    if choosesBits {
      throw QuantizationError(
        "the weights of \(list) are frozen, which cannot go with \"precision\": it chooses bit widths, and frozen weights allow 8 bits only. Train these "
          + "layers, or leave \"precision\" out")
    }
    if let point = points.first(where: { $0.specification.bits != 8 }) {
      throw QuantizationError(
        "the weights of \(list) are frozen, which only quantizers of 8 bits allow; '\(point.id)' has \(point.specification.bits). Train these layers, "
          + "quantize all with 8 bits, or ignore them in \"weights\"")
    }
    return "the weights of \(list) are quantized, but frozen: training cannot make up for what that loses"
  }
}
