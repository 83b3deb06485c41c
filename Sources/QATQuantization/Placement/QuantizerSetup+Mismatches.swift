import QATGraph

extension QuantizerSetup {
  /// What of this setup does not fit `graph`, one sentence a point; empty when everything fits. A saved setup is checked with it before it is used.
  public func mismatches(with graph: Graph) -> [String] {
    let types: [TensorName: TensorType]
    do {
      types = try graph.tensorTypes()
    } catch {
      return [error.description]
    }
    let nodes = Dictionary(graph.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var faults: [String] = []
    var ids = Set<String>()
    var places: [QuantizationTarget: String] = [:]
    for point in points {
      if !ids.insert(point.id).inserted {
        faults.append("quantizer '\(point.id)': listed twice")
      } else if let other = places.updateValue(point.id, forKey: point.target) {
        faults.append("quantizer '\(point.id)': it sits where '\(other)' sits")
      }
      if point.id.isEmpty { faults.append("the quantizer at '\(point.target.id)' has no id") }
      if nodes[point.id] != nil || types[point.id] != nil {
        faults.append("quantizer '\(point.id)': the network has a node or a tensor of that name")
      }
      if let fault = point.mismatch(with: graph, nodes, types) { faults.append("quantizer '\(point.id)': \(fault)") }
    }
    var grouped = Set<String>()
    for group in unifiedScaleGroups {
      for id in group where !grouped.insert(id).inserted { faults.append("quantizer '\(id)': it is named twice by unified groups") }
      for id in group where !ids.contains(id) { faults.append("a unified group names the quantizer '\(id)', which is not listed") }
      let specifications = group.compactMap { self[$0]?.specification }
      if let first = specifications.first, let other = specifications.first(where: { !$0.sharesParameters(with: first) }) {
        faults.append("the unified group \(group.joined(separator: ", ")) mixes \(first.summary) and \(other.summary)")
      }
    }
    return faults
  }
}

extension QuantizationPoint {
  fileprivate func mismatch(with graph: Graph, _ nodes: [String: Node], _ types: [TensorName: TensorType]) -> String? {
    let tensor: TensorName
    switch target.place {
    case .networkInput:
      guard graph.inputs.contains(where: { $0.name == target.name }) else { return "the network has no input '\(target.name)'" }
      tensor = target.name
    case .networkOutput:
      guard graph.outputs.contains(target.name) else { return "the network has no output '\(target.name)'" }
      tensor = target.name
    case .output:
      guard let node = nodes[target.name] else { return "the network has no node '\(target.name)'" }
      tensor = node.outputs[0]
    case .input, .weight:
      guard let node = nodes[target.name] else { return "the network has no node '\(target.name)'" }
      guard let port = target.port, node.inputs.indices.contains(port), !node.inputs[port].isEmpty else {
        return "the node '\(target.name)' (\(node.type)) has no input at port \(target.port.map(String.init) ?? "none")"
      }
      tensor = node.inputs[port]
    }
    for name in quantizedOperators where nodes[name] == nil && !graph.outputs.contains(name) {
      return "the operator '\(name)' that it feeds is not in the network"
    }
    if (kind == .weight) != (graph.constants[tensor] != nil) {
      return kind == .weight
        ? "the tensor '\(tensor)' is computed, expected a weight" : "the tensor '\(tensor)' is a constant, expected an activation"
    }
    guard let type = types[tensor] else { return "the tensor '\(tensor)' does not exist" }
    guard type.elementType == .float32 else { return "the tensor '\(tensor)' is \(type), expected float32" }
    return specification.mismatch(with: type, tensor)
  }
}

extension QuantizerSpecification {
  /// Whether two quantizers can read the same parameters. The sign may still differ before the data have been seen.
  func sharesParameters(with other: QuantizerSpecification) -> Bool {
    (bits, mode, channelAxis, forcedSign) == (other.bits, other.mode, other.channelAxis, other.forcedSign) && parameterShape == other.parameterShape
      && isLogarithmic == other.isLogarithmic && hasPowerOfTwoStep == other.hasPowerOfTwoStep
  }

  /// What keeps sums of two products in 16 bits for this reader of a weight and for another: they read the same codes. Readers that pair them differently
  /// have half of the range.
  func safe(with other: QuantizerSpecification) -> QuantizerSpecification {
    var result = self
    switch (halfRange || other.halfRange, pairing, other.pairing) {
    case (true, _, _): (result.halfRange, result.pairing) = (true, nil)
    case (false, let own?, let others?) where own != others: (result.halfRange, result.pairing) = (true, nil)
    case (false, let own, let others): result.pairing = own ?? others
    }
    if result.halfRange { result.narrowRange = false }
    return result
  }

  /// Sign where it is demanded, bits, mode and granularity in words.
  var summary: String { QuantizerOption(bits: bits, mode: mode, perChannel: perChannel, forcedSign: forcedSign).summary }

  fileprivate func mismatch(with type: TensorType, _ tensor: TensorName) -> String? {
    guard (2...8).contains(bits) else { return "it has \(bits) bits, supported are 2 to 8" }
    guard !halfRange || bits > 2 else { return "it has 2 bits of which it uses half, supported are 3 to 8" }
    if let pairing, !pairing.fits(rank: type.rank) || mode != .symmetric || (channelAxis.map { $0 != pairing.outputAxis } ?? false) {
      return
        "it limits neighbours along axis \(pairing.inputAxis) for each index of axis \(pairing.outputAxis), which '\(tensor)' (\(type)) does not have "
        + "or which its scales do not follow"
    }
    guard !hasPowerOfTwoStep || mode == .symmetric else { return "it is asymmetric, steps that are powers of two are for symmetric quantizers" }
    guard forcedSign ?? signed == signed else { return "it is \(signed ? "signed" : "unsigned"), its sign is forced to be the other" }
    guard let channelAxis else { return parameterShape == [1] ? nil : "it has parameters of shape \(parameterShape), expected [1]" }
    guard type.dimensions.indices.contains(channelAxis) else { return "it has channels on axis \(channelAxis), the tensor '\(tensor)' is \(type)" }
    guard type.dimensions[channelAxis].fixedSize.map({ [$0] }) == parameterShape else {
      return "it has parameters of shape \(parameterShape) for axis \(channelAxis), the tensor '\(tensor)' is \(type)"
    }
    return nil
  }
}
