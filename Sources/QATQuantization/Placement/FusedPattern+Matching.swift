import QATGraph

/// A place where a pattern occurs.
struct FusedChain {
  /// Index of the network's input that begins the chain, if one does.
  var input: Int?
  /// Indices of the nodes, first to last.
  var nodes: [Int]
}

extension FusedPattern {
  /// All chains of `network` that run as one, each node in at most one. Matching is strict: only the first element may have live producers outside
  /// its chain, only the last one readers outside.
  static func chains(in network: LiveGraph, on device: TargetDevice) -> [FusedChain] {
    var chains: [FusedChain] = []
    var taken = Set<Int>()
    var takenInputs = Set<Int>()
    for pattern in patterns(on: device) {
      for chain in pattern.occurrences(in: network) where taken.isDisjoint(with: chain.nodes) && !(chain.input.map(takenInputs.contains) ?? false) {
        taken.formUnion(chain.nodes)
        if let input = chain.input { takenInputs.insert(input) }
        chains.append(chain)
      }
    }
    return chains
  }

  private func occurrences(in network: LiveGraph) -> [FusedChain] {
    if steps[0] == .input {
      return network.graph.inputs.enumerated().compactMap { index, input in
        continuation(of: input.name, in: network).map { FusedChain(input: index, nodes: $0) }
      }
    }
    return network.graph.nodes.indices.compactMap { first in
      guard network.isLive(network.graph.nodes[first]), steps[0].fits(network.classes[first].role) else { return nil }
      return continuation(of: network.graph.nodes[first].outputs[0], in: network).map { FusedChain(nodes: [first] + $0) }
    }
  }

  /// The nodes that follow `start` as the second and later steps say, or nil.
  private func continuation(of start: TensorName, in network: LiveGraph) -> [Int]? {
    var nodes: [Int] = []
    var tensor = start
    for step in steps.dropFirst() {
      guard let next = step.nodes(after: tensor, in: network), let last = next.last else { return nil }
      nodes += next
      tensor = network.graph.nodes[last].outputs[0]
    }
    return nodes
  }
}

extension FusedPattern.Step {
  fileprivate func fits(_ role: OperatorClass.Role?) -> Bool {
    switch self {
    case .linear: role == .linear
    case .batchNormalization: role == .batchNormalization
    case .activation: role == .activation
    case .arithmetic: role == .add || role == .multiply
    case .add: role == .add
    case .multiply: role == .multiply
    case .input, .swish, .unscaledHardSwish, .hardSwish: false
    }
  }

  /// The nodes of this step behind the tensor `x`, in node order, when they are all that reads it and read nothing live besides.
  fileprivate func nodes(after x: TensorName, in network: LiveGraph) -> [Int]? {
    switch self {
    case .swish: swish(x, network)
    case .unscaledHardSwish, .hardSwish: hardSwish(x, network)
    default: single(x, network)
    }
  }

  private func single(_ x: TensorName, _ network: LiveGraph) -> [Int]? {
    guard let reader = soleReader(of: x, network), fits(network.classes[reader].role), network.liveInputs(reader) == [x] else { return nil }
    return [reader]
  }

  /// x · sigmoid(x).
  private func swish(_ x: TensorName, _ network: LiveGraph) -> [Int]? {
    guard let readers = network.readers[x], readers.count == 2, !network.outputs.contains(x) else { return nil }
    guard network.graph.nodes[readers[0]].op is Sigmoid else { return nil }
    return closing(x, gate: [readers[0]], product: readers[1], network)
  }

  /// x · clip(x + 3, 0, 6), then, for the scaled form, a product with a constant, which may also come before the product with x.
  private func hardSwish(_ x: TensorName, _ network: LiveGraph) -> [Int]? {
    guard let readers = network.readers[x], readers.count == 2, !network.outputs.contains(x) else { return nil }
    let sum = readers[0]
    guard network.classes[sum].role == .add, network.liveInputs(sum) == [x] else { return nil }
    guard let clip = soleReader(of: output(sum, network), network),
      let bounds = network.graph.nodes[clip].as(Clip.self), bounds.lower == 0, bounds.upper == 6
    else { return nil }
    guard self == .hardSwish else { return closing(x, gate: [sum, clip], product: readers[1], network) }
    if let scale = scaling(output(clip, network), network) { return closing(x, gate: [sum, clip, scale], product: readers[1], network) }
    guard let nodes = closing(x, gate: [sum, clip], product: readers[1], network) else { return nil }
    return scaling(output(readers[1], network), network).map { nodes + [$0] }
  }

  /// The chain of the gate and the product of it with x.
  private func closing(_ x: TensorName, gate: [Int], product: Int, _ network: LiveGraph) -> [Int]? {
    guard let last = gate.last, network.classes[product].role == .multiply, soleReader(of: output(last, network), network) == product,
      network.liveInputs(product) == [x, output(last, network)]
    else { return nil }
    return gate + [product]
  }

  /// The node that multiplies `x` by a constant, when nobody else reads it.
  private func scaling(_ x: TensorName, _ network: LiveGraph) -> Int? {
    guard let reader = soleReader(of: x, network), network.classes[reader].role == .multiply, network.liveInputs(reader) == [x] else { return nil }
    return reader
  }

  private func soleReader(of x: TensorName, _ network: LiveGraph) -> Int? {
    guard let readers = network.readers[x], readers.count == 1, !network.outputs.contains(x) else { return nil }
    return readers[0]
  }

  private func output(_ node: Int, _ network: LiveGraph) -> TensorName { network.graph.nodes[node].outputs[0] }
}
