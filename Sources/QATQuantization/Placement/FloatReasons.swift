import QATGraph

/// Says of each operator without quantizers what keeps it in floating point: the configuration, the device's table, or its own kind.
struct FloatReasons {
  let network: LiveGraph
  let propagation: QuantizerPropagation
  let device: TargetDevice
  let weightScopes: ScopeFilter
  let configuration: QuantizationConfiguration

  /// The reasons by the operators' names.
  var byOperator: [String: String] {
    var result: [String: String] = [:]
    for vertex in propagation.graph.vertices {
      guard let first = vertex.nodes.first, let reason = reason(for: vertex, first) else { continue }
      result[first.name] = reason
      for node in vertex.nodes.dropFirst() { result[node.name] = "it runs as one with '\(first.name)', which stays in floating point: \(reason)" }
    }
    return result
  }

  private func reason(for vertex: QuantizationGraph.Vertex, _ first: Node) -> String? {
    guard let operatorClass = vertex.operatorClass else { return nil }
    if let exclusion = vertex.exclusion { return exclusion }
    if let operation = operatorClass.hardware, let table = device.table, table[operation] == nil {
      return "the device \(device.rawValue) does not compute \(first.type) on integers"
    }
    if network.weightPort(of: first, operatorClass) != nil, let exclusion = weightScopes.exclusion(of: first.name) {
      return "its weight is not quantized: \(exclusion)"
    }
    let slots = vertex.inputs.map { propagation.graph.slots[$0] }
    switch vertex.trait {
    case .nonQuantizable where operatorClass.trait == .nonQuantizable: return "\(first.type) is computed in floating point on every device"
    case .nonQuantizable: return "it joins computed values with a constant, which is not quantized"
    case .agnostic, .concat, .embedding: return nil
    case .inputsQuantizable: break
    }
    if let slot = slots.first(where: { propagation.graph.types[$0.tensor]?.elementType != .float32 }) {
      return "it reads '\(slot.tensor)', which holds integers"
    }
    if vertex.inputs.contains(where: propagation.needlessSlots.contains) {
      return "it computes with a constant, and a quantizer that serves it alone would gain nothing"
    }
    let readsInput = slots.contains { propagation.graph.vertices[$0.producer].target?.place == .networkInput }
    return readsInput && !configuration.quantizesInputs ? "it reads an input of the network, and \"quantize_inputs\" is false" : nil
  }
}

extension QuantizationConfiguration {
  /// Ignored scopes that match only operators inside fused chains or inputs: what runs as one is known by its first operator's name.
  func scopesInsideChains(of graph: QuantizationGraph) throws(QuantizationError) -> [String] {
    let lists =
      [("ignored_scopes", ignoredScopes)] + QuantizationPoint.Kind.allCases.map { ("\($0.sectionKey).ignored_scopes", self[$0].ignoredScopes) }
    var warnings: [String] = []
    for (key, texts) in lists {
      for text in texts {
        let scope = try Scope(text)
        let vertices = graph.vertices.filter { !$0.nodes.isEmpty }
        if vertices.contains(where: { scope.matches($0.name) }) { continue }
        guard let chain = vertices.first(where: { $0.nodes.contains { scope.matches($0.name) } }) else { continue }
        let members = chain.nodes.map { "'\($0.name)'" }.joined(separator: ", ")
        warnings.append("\(key): '\(text)' has no effect: \(members) run as one operator, which is known by the name '\(chain.name)'; give that name")
      }
    }
    return warnings
  }
}
