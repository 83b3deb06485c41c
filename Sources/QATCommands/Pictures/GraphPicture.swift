import QAT

/// A network as boxes and arrows: operators, the quantizers between them, and what stays in floating point. Each format draws the same picture.
struct GraphPicture {
  /// A box.
  struct Box {
    /// What a box stands for; decides its colour.
    enum Kind: String, CaseIterable {
      case terminal, integer, float, weightQuantizer, activationQuantizer

      /// The colour of its face.
      var fill: String {
        switch self {
        case .terminal: "#e8e8e8"
        case .integer: "#d3ead3"
        case .float: "#fbe3c4"
        case .weightQuantizer: "#d6e4f7"
        case .activationQuantizer: "#e6d9f2"
        }
      }

      /// What the legend calls it.
      var legend: String {
        switch self {
        case .terminal: "input, output"
        case .integer: "operator on integers, or passed by them"
        case .float: "operator in floating point"
        case .weightQuantizer: "quantizer of a weight"
        case .activationQuantizer: "quantizer of an activation"
        }
      }
    }

    var kind: Kind
    /// The first line: what it is.
    var title: String
    /// The second line: its name, or how it quantizes.
    var detail: String
    /// What hovering over the box tells.
    var note: String
  }

  /// An arrow from the box that makes a tensor to one that reads it.
  struct Arrow: Hashable {
    var from: Int
    var to: Int
  }

  let name: String
  /// Inputs, nodes in their order, outputs: every arrow points to a later box.
  private(set) var boxes: [Box] = []
  private(set) var arrows: [Arrow] = []

  /// The picture of a network.
  /// - Parameters:
  ///   - graph: a validated network, quantized or not.
  ///   - floatReasons: by the names of the operators that compute in floating point, why.
  /// - Throws: `GraphError` when the graph is no network.
  init(_ graph: Graph, floatReasons: [String: String]) throws {
    name = graph.name
    let types = try graph.tensorTypes()
    var makers: [TensorName: Int] = [:]
    for input in graph.inputs {
      makers[input.name] = boxes.count
      boxes.append(Box(kind: .terminal, title: "input", detail: input.name, note: "\(input.type)"))
    }
    let quantizers = Dictionary(QuantizerReport.all(in: graph).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for node in graph.nodes {
      connect(node.inputs.compactMap { makers[$0] })
      for output in node.outputs { makers[output] = boxes.count }
      let type = node.outputs.first.flatMap { types[$0] }.map { "\($0)" } ?? ""
      if let quantizer = quantizers[node.name] {
        boxes.append(
          Box(
            kind: quantizer.isWeight ? .weightQuantizer : .activationQuantizer, title: node.name, detail: quantizer.summary,
            note: "\(quantizer.range)\n\(type)"))
      } else {
        let reason = floatReasons[node.name]
        let note = [type, reason].compactMap { $0 }.joined(separator: "\n")
        boxes.append(Box(kind: reason == nil ? .integer : .float, title: node.type, detail: node.name, note: note))
      }
    }
    for output in graph.outputs {
      connect([makers[output]].compactMap { $0 })
      boxes.append(Box(kind: .terminal, title: "output", detail: output, note: types[output].map { "\($0)" } ?? ""))
    }
  }

  /// Arrows to the box that comes next, one from each maker.
  private mutating func connect(_ makers: [Int]) {
    arrows += Set(makers).sorted().map { Arrow(from: $0, to: boxes.count) }
  }
}
