import QATGraph

/// Decides on weight quantizers: one for each weight tensor, however many operators share it.
struct WeightPlacement {
  let network: LiveGraph
  let device: TargetDevice
  let demands: GroupDemands
  let overflowFix: QuantizationConfiguration.OverflowFix
  let scopes: ScopeFilter

  /// The points, in node order. Only the first operator of a fused chain can have a weight.
  /// - Parameters:
  ///   - graph: the network in the units of placement.
  ///   - unmet: takes the operators where the table offers nothing that meets the demands.
  ///   - choices: takes in what ways each point may quantize, one a bit width.
  ///   - tables: takes the embeddings, and how the table of each may be quantized as a whole.
  /// - Returns: the points.
  /// - Throws: `QuantizationError` when two operators demand different quantizers of a weight that they share.
  func points(
    of graph: QuantizationGraph, _ unmet: inout UnmetDemands, _ choices: inout QuantizerChoices, _ tables: inout [EmbeddingTable]
  ) throws(QuantizationError) -> [QuantizationPoint] {
    let firstConvolutions = network.firstConvolutions
    var points: [QuantizationPoint] = []
    // A tensor that two operators read along different axes cannot have one set of per-channel parameters: then each axis has its own.
    var indexOfWeight: [[String]: Int] = [:]
    for (vertexIndex, vertex) in graph.vertices.enumerated() {
      guard let node = vertex.nodes.first, let operatorClass = vertex.operatorClass, scopes.exclusion(of: node.name) == nil else { continue }
      guard let port = network.weightPort(of: node, operatorClass) else { continue }
      let weight = WeightSource(of: node, port: port, in: network)
      let options = options(for: operatorClass, node.name, &unmet)
      func specified(_ option: QuantizerOption) -> QuantizerSpecification {
        specification(option, weight, isFirst: firstConvolutions.contains(node.name))
      }
      let specifications = options.onePerBitWidth.map(specified)
      guard let specification = specifications.first else { continue }
      let key = [weight.tensor, specification.channelAxis.map(String.init) ?? ""]
      if let shared = indexOfWeight[key] {
        // The node that reads the constant is named as well, so that it is rerouted.
        points[shared].quantizedOperators += weight.node.name == node.name ? [node.name] : [node.name, weight.node.name]
        try share(&points[shared], specification, with: node)
        choices.share(points[shared].id, specifications)
      } else {
        indexOfWeight[key] = points.count
        let target = QuantizationTarget(.weight, weight.node.name, port: weight.port)
        points.append(QuantizationPoint(id: "\(node.name)|WEIGHT", target: target, specification: specification, quantizedOperators: [node.name]))
        choices["\(node.name)|WEIGHT"] = specifications
      }
      if vertex.trait == .embedding, let index = indexOfWeight[key] {
        tables.append(
          EmbeddingTable(vertex: vertexIndex, point: points[index].id, wholes: options.filter { !$0.perChannel }.map { ($0, specified($0)) }))
      }
    }
    return points
  }

  /// Makes a point serve another reader of its weight.
  private func share(_ point: inout QuantizationPoint, _ specification: QuantizerSpecification, with node: Node) throws(QuantizationError) {
    guard specification.sharesParameters(with: point.specification) else {
      throw QuantizationError(
        "'\(node.name)' shares its weight with '\(point.quantizedOperators[0])', but the configuration demands \(specification.summary) of one and "
          + "\(point.specification.summary) of the other; give both the same in \"scope_overrides\"")
    }
    point.specification = point.specification.safe(with: specification)
  }

  /// The options, best first; none when the device has none for such weights or none that meets the demands.
  private func options(for operatorClass: OperatorClass, _ name: String, _ unmet: inout UnmetDemands) -> [QuantizerOption] {
    let demanded = demands.demands(at: name)
    guard let table = device.table, let operation = operatorClass.hardware else { return demanded.standardOptions }
    guard let entry = table[operation] else { return [] }
    guard let listed = entry.weights else { return demanded.standardOptions }
    let options = demanded.filtered(listed)
    if options.isEmpty { unmet.note(demanded, at: name, offered: listed) }
    return options
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
    let halfRange = isEightBit && device.needsOverflowFix && fixes
    let isPaired = isEightBit && device.needsOverflowFix && overflowFix == .pairwise && option.mode == .symmetric
    return QuantizerSpecification(
      bits: option.bits, mode: option.mode, forcedSign: option.forcedSign, channelAxis: axis, parameterShape: shape,
      narrowRange: isEightBit && !halfRange && option.mode == .symmetric, halfRange: halfRange,
      pairing: isPaired && (axis == nil || axis == weight.pairing?.outputAxis) ? weight.pairing : nil)
  }
}

extension LiveGraph {
  /// The port of a node that reads a float32 constant to be quantized, directly or transposed; nil when there is none.
  func weightPort(of node: Node, _ operatorClass: OperatorClass) -> Int? {
    operatorClass.weightPorts.first { port in
      guard node.inputs.indices.contains(port), !node.inputs[port].isEmpty else { return false }
      return graph.tensor(WeightSource(of: node, port: port, in: self).tensor)?.elementType == .float32
    }
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
  /// Which codes of the constant meet in sums of two products.
  var pairing: WeightPairing?

  init(of reader: Node, port: Int, in network: LiveGraph) {
    (node, self.port, tensor) = (reader, port, reader.inputs[port])
    let dimensions = network.types[tensor]?.dimensions ?? []
    channelAxis = OperatorClass.weightChannelAxis(of: reader, port: port, rank: dimensions.count)
    pairing = reader.weightPairing(port: port, shape: dimensions.map { $0.fixedSize ?? 0 })
    while let producer = network.producers[tensor].map({ network.graph.nodes[$0] }) {
      if let transpose = producer.as(Transpose.self) {
        channelAxis = transpose.permutation[channelAxis]
        pairing = pairing?.behind(transpose.permutation)
      } else if !(producer.op is Identity) {
        return
      }
      (node, self.port, tensor) = (producer, 0, producer.inputs[0])
    }
  }
}
