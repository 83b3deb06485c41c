import QATGraph

extension QuantizerPropagation {
  /// The decision in names: the weights' points and one point for each quantizer at rest, with the first of its options.
  /// - Parameters:
  ///   - weights: the points of weights.
  ///   - quantizesInputs: whether the network's inputs are quantized.
  ///   - choices: takes in what ways each point may quantize, one a bit width.
  /// - Returns: the setup.
  func setup(weights: [QuantizationPoint], quantizesInputs: Bool, _ choices: inout QuantizerChoices) -> QuantizerSetup {
    var setup = QuantizerSetup(points: weights)
    var members = tablesOfGroup
    for location in locations {
      guard let quantizer = quantizers[location], let (target, tensor) = place(of: location) else { continue }
      let specifications = quantizer.options.onePerBitWidth.map { self.specification($0, tensor) }
      guard let specification = specifications.first else { continue }
      if target.place == .networkInput, !quantizesInputs { continue }
      let sinks = quantizer.sinks.sorted().map { graph.slots[$0].target.name }
      var point = QuantizationPoint(id: target.id, target: target, specification: specification, quantizedOperators: [])
      for sink in sinks where !point.quantizedOperators.contains(sink) { point.quantizedOperators.append(sink) }
      // An input of the network and a node may have the same name, and so would their quantizers.
      while setup[point.id] != nil { point.id += "^" }
      setup.points.append(point)
      choices[point.id] = specifications
      // Only whole tensors share a scale: per-channel quantizers leave their group.
      if let group = quantizer.group, !specification.perChannel { members[group, default: []].append(point.id) }
    }
    setup.unifiedScaleGroups = members.sorted { $0.key < $1.key }.map(\.value)
    setup.sharedInputGroups = Self.sharedInputGroups(of: setup.points)
    return setup
  }

  /// All places in the order of the network's vertices: in front of a vertex, then behind it.
  private var locations: [PropagatingQuantizer.Location] {
    graph.vertices.indices.flatMap { vertex in
      graph.vertices[vertex].inputs.map { PropagatingQuantizer.Location.slot($0) } + [.output(vertex)]
    }
  }

  private func place(of location: PropagatingQuantizer.Location) -> (QuantizationTarget, TensorName)? {
    switch location {
    case .slot(let slot): return (graph.slots[slot].target, graph.slots[slot].tensor)
    case .output(let vertex):
      guard let target = graph.vertices[vertex].target, let tensor = graph.vertices[vertex].output else { return nil }
      return (target, tensor)
    }
  }

  /// Activations have their channels on axis 1; a tensor without such an axis is quantized as a whole.
  private func specification(_ option: QuantizerOption, _ tensor: TensorName) -> QuantizerSpecification {
    var axis: Int?
    var shape = [1]
    if option.perChannel, let type = graph.types[tensor], type.rank > 1, let channels = type.dimensions[1].fixedSize {
      axis = 1
      shape = [channels]
    }
    return QuantizerSpecification(bits: option.bits, mode: option.mode, forcedSign: option.forcedSign, channelAxis: axis, parameterShape: shape)
  }

  /// Points that feed a common operator, in groups; each point is in one.
  private static func sharedInputGroups(of points: [QuantizationPoint]) -> [[String]] {
    var groups = UnionFind()
    var groupOfOperator: [String: Int] = [:]
    for point in points {
      let group = groups.add()
      for name in point.quantizedOperators {
        if let other = groupOfOperator[name] { groups.join(other, group) } else { groupOfOperator[name] = group }
      }
    }
    let members = Dictionary(grouping: points.indices) { groups.root($0) }
    return members.sorted { $0.key < $1.key }.map { $0.value.map { points[$0].id } }
  }
}
