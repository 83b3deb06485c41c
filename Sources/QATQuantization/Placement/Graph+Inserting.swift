import QATGraph
import QATTensor

extension Graph {
  /// The network with a `FakeQuantize` node at every point of `setup`.
  ///
  /// The node and its output are named after the point's id; its parameters are constants `<id>.scale` or `<id>.input_low` and `<id>.input_range`
  /// with NNCF's starting values (1; 0 and 1), trained. Points of a unified group read the parameters of the group's first. Readers are rerouted to
  /// the quantized tensor; biases of layers with steps that are powers of two are rounded as files store them (`RoundBias`); an output of the network that is quantized keeps its name, and what was computed before is called `<name>.unquantized`.
  /// - Parameters:
  ///   - setup: the points.
  ///   - kinds: which of them are inserted.
  /// - Returns: the quantized network.
  /// - Throws: `QuantizationError` listing every point that does not fit this graph.
  public func inserting(_ setup: QuantizerSetup, of kinds: Set<QuantizationPoint.Kind> = Set(QuantizationPoint.Kind.allCases))
    throws(QuantizationError) -> Graph
  {
    let faults = setup.mismatches(with: self)
    guard faults.isEmpty else {
      throw QuantizationError("the quantizers do not fit the network '\(name)':\n" + faults.map { "  \($0)" }.joined(separator: "\n"))
    }
    var insertion = QuantizerInsertion(self, owners: setup.parameterOwners)
    // From the widest place to the narrowest, so that a quantizer on one edge reads what a quantizer on the whole tensor has made.
    let order: [QuantizationTarget.Place] = [.weight, .networkInput, .output, .input, .networkOutput]
    for place in order {
      for point in setup.points where point.target.place == place && kinds.contains(point.kind) { insertion.insert(point) }
    }
    do {
      return try insertion.result.roundingBiases()
    } catch {
      throw QuantizationError("the quantizers do not fit the network '\(name)': \(error)")
    }
  }
}

/// A graph that receives fake quantizers one by one.
private struct QuantizerInsertion {
  private var graph: Graph
  private let owners: [String: String]
  private let indices: [String: Int]
  private var front: [Node] = []
  private var before: [Int: [Node]] = [:]
  private var after: [Int: [Node]] = [:]

  init(_ graph: Graph, owners: [String: String]) {
    self.graph = graph
    self.owners = owners
    indices = Dictionary(graph.nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func insert(_ point: QuantizationPoint) {
    let index = indices[point.target.name]
    switch point.target.place {
    case .weight: if let index { insertOnWeight(point, index) }
    case .networkInput:
      let name = point.target.name
      front.append(quantizer(point, reads: name))
      reroute(name, to: point.id)
      replaceOutput(name, by: point.id)
    case .output: if let index { insertOnOutput(point, index) }
    case .input:
      if let index, let port = point.target.port {
        before[index, default: []].append(quantizer(point, reads: graph.nodes[index].inputs[port]))
        graph.nodes[index].inputs[port] = point.id
      }
    case .networkOutput: insertBeforeOutput(point)
    }
  }

  /// All readers of the constant that belong to the point read its quantized copy, made once before the first of them.
  private mutating func insertOnWeight(_ point: QuantizationPoint, _ index: Int) {
    guard let port = point.target.port else { return }
    let tensor = graph.nodes[index].inputs[port]
    let readers = ([index] + point.quantizedOperators.compactMap { indices[$0] }).filter { graph.nodes[$0].inputs.contains(tensor) }
    before[readers.min() ?? index, default: []].append(quantizer(point, reads: tensor))
    for reader in readers {
      for (port, input) in graph.nodes[reader].inputs.enumerated() where input == tensor { graph.nodes[reader].inputs[port] = point.id }
    }
  }

  private mutating func insertOnOutput(_ point: QuantizationPoint, _ index: Int) {
    let tensor = graph.nodes[index].outputs[0]
    guard graph.outputs.contains(tensor) else {
      after[index, default: []].append(quantizer(point, reads: tensor))
      reroute(tensor, to: point.id)
      return
    }
    let raw = graph.uniqueName("\(tensor).unquantized")
    graph.nodes[index].outputs[0] = raw
    after[index, default: []].append(quantizer(point, reads: raw, makes: tensor))
  }

  /// The output keeps its name; everybody else goes on reading what was computed, under another name.
  private mutating func insertBeforeOutput(_ point: QuantizationPoint) {
    let tensor = point.target.name
    guard let producer = graph.nodes.firstIndex(where: { $0.outputs.contains(tensor) }) else {
      before[graph.nodes.count, default: []].append(quantizer(point, reads: tensor))
      replaceOutput(tensor, by: point.id)
      return
    }
    let raw = graph.uniqueName("\(tensor).unquantized")
    graph.nodes[producer].outputs = graph.nodes[producer].outputs.map { $0 == tensor ? raw : $0 }
    reroute(tensor, to: raw)
    after[producer, default: []].append(quantizer(point, reads: raw, makes: tensor))
  }

  private mutating func reroute(_ tensor: TensorName, to replacement: TensorName) {
    func replaced(_ nodes: [Node]) -> [Node] {
      nodes.map { node in
        var node = node
        if node.name != replacement { node.inputs = node.inputs.map { $0 == tensor ? replacement : $0 } }
        return node
      }
    }
    graph.nodes = replaced(graph.nodes)
    before = before.mapValues(replaced)
    after = after.mapValues(replaced)
  }

  private mutating func replaceOutput(_ tensor: TensorName, by replacement: TensorName) {
    graph.outputs = graph.outputs.map { $0 == tensor ? replacement : $0 }
  }

  /// The node of a point; adds its parameters unless another point of its group has added them.
  private mutating func quantizer(_ point: QuantizationPoint, reads tensor: TensorName, makes output: TensorName? = nil) -> Node {
    let owner = owners[point.id] ?? point.id
    var inputs = [tensor]
    for parameter in point.specification.parameters {
      let name = "\(owner).\(parameter.suffix)"
      if graph.constants[name] == nil {
        graph.constants[name] = Graph.Constant(Tensor(repeating: parameter.initialValue, shape: point.specification.parameterShape), .parameter)
      }
      inputs.append(name)
    }
    return Node(name: point.id, op: point.specification.fakeQuantize, inputs: inputs, outputs: [output ?? point.id])
  }

  var result: Graph {
    var result = graph
    result.nodes = front
    for (index, node) in graph.nodes.enumerated() {
      result.nodes += before[index] ?? []
      result.nodes.append(node)
      result.nodes += after[index] ?? []
    }
    result.nodes += before[graph.nodes.count] ?? []
    return result
  }
}
