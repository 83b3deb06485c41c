import QATGraph

/// The network in the units of placement: inputs, fused operators and outputs, joined at the ports where a quantizer can sit.
struct QuantizationGraph {
  /// An input of the network, operators that run as one, or an output of the network.
  struct Vertex {
    /// Name for scopes: the input's, the first operator's, or the output's.
    var name: String
    /// The operators, first to last; empty for inputs and outputs.
    var nodes: [Node] = []
    /// Class of the first operator, by which the vertex is looked up in the hardware table.
    var operatorClass: OperatorClass?
    /// How the vertex treats quantizers.
    var trait = QuantizationTrait.nonQuantizable
    /// The ports that read live tensors, as indices of `slots`.
    var inputs: [Int] = []
    /// What the vertex computes, or nil for an output.
    var output: TensorName?
    /// Where a quantizer of the output sits, or nil for an output.
    var target: QuantizationTarget?
    /// The slots that read the output.
    var readers: [Int] = []
    /// Why the configuration wants no activation quantizers here; nil when it does.
    var exclusion: String?
    /// Whether the vertex stands for an output of the network.
    var isNetworkOutput: Bool { output == nil }
  }

  /// A port that reads a live tensor.
  struct Slot {
    /// The reading vertex.
    var reader: Int
    /// The vertex whose output is read.
    var producer: Int
    /// The tensor.
    var tensor: TensorName
    /// Where a quantizer of this port sits.
    var target: QuantizationTarget
    /// Whether a quantizer may sit or pass here: not on biases and other plain ports, not on integers.
    var isQuantizable: Bool
  }

  let types: [TensorName: TensorType]
  /// In topological order.
  private(set) var vertices: [Vertex] = []
  private(set) var slots: [Slot] = []
  /// Whether the output of each vertex reaches an operator with weights through operators that only pass values on.
  private(set) var feedsWeights: [Bool] = []

  /// Groups the live nodes of a network and decides how each group treats activation quantizers.
  /// - Parameters:
  ///   - network: the network.
  ///   - device: what may run as one, and on integers.
  ///   - exclusion: why the configuration wants no activation quantizers at the vertex of this name; nil when it does.
  init(_ network: LiveGraph, device: TargetDevice, exclusion: (String) -> String?) {
    types = network.types
    addVertices(network, device)
    let makers = Dictionary(
      vertices.enumerated().compactMap { index, vertex in vertex.output.map { ($0, index) } }, uniquingKeysWith: { first, _ in first })
    for index in vertices.indices { connect(index, network, makers) }
    for index in vertices.indices where !vertices[index].nodes.isEmpty {
      vertices[index].exclusion = exclusion(vertices[index].name)
      classify(index, network, device.table)
    }
    findWeightReaders()
  }

  private mutating func addVertices(_ network: LiveGraph, _ device: TargetDevice) {
    let graph = network.graph
    let chains = FusedPattern.chains(in: network, on: device)
    let chainOfInput = Dictionary(chains.compactMap { chain in chain.input.map { ($0, chain) } }, uniquingKeysWith: { first, _ in first })
    let chainOfFirst = Dictionary(chains.filter { $0.input == nil }.map { ($0.nodes[0], $0) }, uniquingKeysWith: { first, _ in first })
    let fused = Set(chains.flatMap { $0.input == nil ? Array($0.nodes.dropFirst()) : $0.nodes })
    for (index, input) in graph.inputs.enumerated() {
      let nodes = chainOfInput[index]?.nodes.map { graph.nodes[$0] } ?? []
      let target = nodes.last.map { QuantizationTarget(.output, $0.name) } ?? QuantizationTarget(.networkInput, input.name)
      // Arithmetic fused to an input is part of the input: its nodes are not listed, so that they are not taken for operators.
      vertices.append(Vertex(name: input.name, output: nodes.last?.outputs[0] ?? input.name, target: target))
    }
    for (index, node) in graph.nodes.enumerated() where network.isLive(node) && !fused.contains(index) {
      let nodes = chainOfFirst[index]?.nodes.map { graph.nodes[$0] } ?? [node]
      let last = nodes[nodes.count - 1]
      let target = QuantizationTarget(.output, last.name)
      vertices.append(Vertex(name: node.name, nodes: nodes, operatorClass: network.classes[index], output: last.outputs[0], target: target))
    }
    for output in graph.outputs { vertices.append(Vertex(name: output)) }
  }

  /// Makes the slots of a vertex. Matching is strict, so only the first operator of a chain reads what comes from outside.
  private mutating func connect(_ index: Int, _ network: LiveGraph, _ makers: [TensorName: Int]) {
    let vertex = vertices[index]
    if vertex.isNetworkOutput {
      addSlot(index, reading: vertex.name, makers[vertex.name], QuantizationTarget(.networkOutput, vertex.name))
    } else if let first = vertex.nodes.first {
      for (port, tensor) in first.inputs.enumerated() where network.liveTensors.contains(tensor) {
        let isPlain = vertex.operatorClass?.plainPorts.contains(port) ?? false
        addSlot(index, reading: tensor, makers[tensor], QuantizationTarget(.input, first.name, port: port), isQuantizable: !isPlain)
      }
    }
  }

  private mutating func addSlot(
    _ reader: Int, reading tensor: TensorName, _ producer: Int?, _ target: QuantizationTarget, isQuantizable: Bool = true
  ) {
    guard let producer else { return }
    let isFloat = types[tensor]?.elementType == .float32
    vertices[reader].inputs.append(slots.count)
    vertices[producer].readers.append(slots.count)
    slots.append(Slot(reader: reader, producer: producer, tensor: tensor, target: target, isQuantizable: isQuantizable && isFloat))
  }

  private mutating func classify(_ index: Int, _ network: LiveGraph, _ table: HardwareTable?) {
    let vertex = vertices[index]
    guard let operatorClass = vertex.operatorClass, vertex.exclusion == nil else { return }
    var trait = operatorClass.trait
    if let table, let operation = operatorClass.hardware {
      guard let entry = table[operation] else { return }
      if entry.activations != nil { trait = .inputsQuantizable }
    }
    // A quantizer above would leave the constant part of a joined tensor off the grid: it stays below.
    let mixesConstants = vertex.nodes[0].inputs.enumerated().contains { port, tensor in
      !tensor.isEmpty && !operatorClass.plainPorts.contains(port) && !network.liveTensors.contains(tensor)
    }
    if trait == .agnostic || trait == .concat, mixesConstants { trait = .nonQuantizable }
    vertices[index].trait = trait
  }

  /// From the outputs up, so that every reader is known before what it reads.
  private mutating func findWeightReaders() {
    feedsWeights = [Bool](repeating: false, count: vertices.count)
    for index in vertices.indices.reversed() {
      feedsWeights[index] = vertices[index].readers.contains { slot in
        let reader = slots[slot].reader
        switch vertices[reader].trait {
        case .agnostic, .concat: return feedsWeights[reader]
        case .inputsQuantizable, .embedding, .nonQuantizable: return vertices[reader].operatorClass?.role == .linear
        }
      }
    }
  }
}
