import QATGraph

/// A network as TensorBoard draws it: nodes by names whose slashes make boxes within boxes, and the shapes of what they make.
struct DrawnGraph {
  private(set) var definition = TBGraphDef()
  private var names = UniqueNames()
  /// What a node's input is called, by the tensor's name.
  private var references: [TensorName: String] = [:]
  private let types: [TensorName: TensorType]

  /// - Throws: `GraphError` when the graph is no network.
  init(_ graph: Graph) throws(GraphError) {
    types = try graph.tensorTypes()
    definition.versions.producer = 22
    for input in graph.inputs { add(input.name, "Placeholder", inputs: [], makes: [input.name]) }
    for node in graph.nodes {
      for name in node.inputs where references[name] == nil && graph.constants[name] != nil { add(name, "Const", inputs: [], makes: [name]) }
      add(node.name, node.type, inputs: node.inputs, makes: node.outputs)
    }
  }

  private mutating func add(_ name: String, _ type: String, inputs: [TensorName], makes outputs: [TensorName]) {
    let ownName = names.next(Self.drawable(name))
    for (index, output) in outputs.enumerated() { references[output] = index == 0 ? ownName : "\(ownName):\(index)" }
    definition.node.append(
      .with { node in
        (node.name, node.op) = (ownName, type)
        node.input = inputs.compactMap { references[$0] }
        node.attr = [
          .with { entry in
            entry.key = "_output_shapes"
            entry.value.list.shape = outputs.compactMap { types[$0].map(shape) }
          }
        ]
      })
  }

  /// A size that depends on the batch is -1.
  private func shape(_ type: TensorType) -> TBTensorShapeProto {
    .with { $0.dim = type.dimensions.map { dimension in .with { $0.size = Int64(dimension.fixedSize ?? -1) } } }
  }

  /// TensorFlow's alphabet of names. The bar in the names of quantizers becomes a slash, so that they stand in one box with their operator.
  private static func drawable(_ name: String) -> String {
    let parts = name.split(whereSeparator: { $0 == "/" || $0 == "|" })
    let path = parts.map { part in
      let letters = part.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" }
      return letters.first.map { "_-".contains($0) } ?? true ? "n" + String(letters) : String(letters)
    }
    return path.isEmpty ? "n" : path.joined(separator: "/")
  }
}
