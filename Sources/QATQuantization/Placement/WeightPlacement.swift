import QATGraph

/// Decides on weight quantizers: one for each weight tensor, however many operators share it.
struct WeightPlacement {
  let network: LiveGraph
  let table: HardwareTable
  let demands: QuantizerDemands
  let overflowFix: QuantizationConfiguration.OverflowFix
  let includes: (String) -> Bool

  /// The points, in node order. Only the first operator of a fused chain can have a weight.
  /// - Throws: `QuantizationError` when the table offers nothing that meets the demands.
  func points(of graph: QuantizationGraph) throws(QuantizationError) -> [QuantizationPoint] {
    let firstConvolutions = network.firstConvolutions
    var points: [QuantizationPoint] = []
    // A tensor that two operators read along different axes cannot have one set of per-channel parameters: then each axis has its own.
    var indexOfWeight: [[String]: Int] = [:]
    for vertex in graph.vertices {
      guard let node = vertex.nodes.first, let operatorClass = vertex.operatorClass, includes(node.name) else { continue }
      guard let port = operatorClass.weightPorts.first(where: { isWeight(node, $0) }) else { continue }
      guard let options = try options(for: operatorClass, node.name) else { continue }
      let weight = WeightSource(of: node, port: port, in: network)
      let specification = specification(options[0], weight, isFirst: firstConvolutions.contains(node.name))
      let key = [weight.tensor, specification.channelAxis.map(String.init) ?? ""]
      if let shared = indexOfWeight[key] {
        // The node that reads the constant is named as well, so that it is rerouted.
        points[shared].quantizedOperators += weight.node.name == node.name ? [node.name] : [node.name, weight.node.name]
        // The half range that one reader needs is the half range of all: they read the same codes.
        if specification.halfRange { points[shared].specification = specification }
      } else {
        indexOfWeight[key] = points.count
        let target = QuantizationTarget(.weight, weight.node.name, port: weight.port)
        points.append(QuantizationPoint(id: "\(node.name)|WEIGHT", target: target, specification: specification, quantizedOperators: [node.name]))
      }
    }
    return points
  }

  /// Whether a port reads a float32 constant, directly or transposed.
  private func isWeight(_ node: Node, _ port: Int) -> Bool {
    guard node.inputs.indices.contains(port), !node.inputs[port].isEmpty else { return false }
    let source = WeightSource(of: node, port: port, in: network).tensor
    return network.graph.tensor(source)?.elementType == .float32
  }

  private func options(for operatorClass: OperatorClass, _ name: String) throws(QuantizationError) -> [QuantizerOption]? {
    guard let operation = operatorClass.hardware else { return demands.standardOptions }
    guard let entry = table.entries[operation] else { return nil }
    guard let listed = entry.weights else { return demands.standardOptions }
    return try demands.filtered(listed, for: name)
  }

  private func specification(_ option: QuantizerOption, _ weight: WeightSource, isFirst: Bool) -> QuantizerSpecification {
    var axis: Int?
    var shape = [1]
    if option.perChannel, let channels = network.types[weight.tensor]?.dimensions[weight.channelAxis].fixedSize {
      axis = weight.channelAxis
      shape = [channels]
    }
    let isEightBit = option.bits == 8
    let fixes = overflowFix == .enable || (overflowFix == .firstLayerOnly && isFirst)
    let halfRange = isEightBit && table.needsOverflowFix && fixes
    return QuantizerSpecification(
      bits: option.bits, mode: option.mode, forcedSign: option.forcedSign, channelAxis: axis, parameterShape: shape,
      narrowRange: isEightBit && !halfRange && option.mode == .symmetric, halfRange: halfRange)
  }
}

/// The constant that a weight port reads, itself or through transpositions: what is stored, and so what is quantized.
private struct WeightSource {
  /// The constant.
  var tensor: TensorName
  /// The node that reads it.
  var node: Node
  /// The port of that node.
  var port: Int
  /// The axis of the constant that holds the operator's output channels.
  var channelAxis: Int

  init(of reader: Node, port: Int, in network: LiveGraph) {
    (node, self.port, tensor) = (reader, port, reader.inputs[port])
    channelAxis = OperatorClass.weightChannelAxis(of: reader, port: port, rank: network.types[tensor]?.rank ?? 0)
    while let producer = network.graph.nodes.first(where: { $0.outputs.contains(tensor) }) {
      if let transpose = producer.as(Transpose.self) {
        channelAxis = transpose.permutation[channelAxis]
      } else if !(producer.op is Identity) {
        return
      }
      (node, self.port, tensor) = (producer, 0, producer.inputs[0])
    }
  }
}
