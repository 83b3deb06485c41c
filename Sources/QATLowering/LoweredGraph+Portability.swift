import QATGraph

/// Whether a network has the same codes in ONNX Runtime, in OpenVINO and in plain fake quantization.
public struct Portability: Sendable, Hashable {
  /// What makes runtimes compute other codes everywhere: steps that are no powers of two, zero-points that are not even. Nothing of it may be.
  public var obstacles: [String]
  /// Operators at which codes beside a tie may differ, each with the reason; behind them codes are equal from equal ones.
  public var exceptions: [String]

  /// Whether all codes and scores are the same.
  public var isProven: Bool { obstacles.isEmpty && exceptions.isEmpty }
}

extension LoweredGraph {
  /// What is known about the network's codes in different runtimes.
  ///
  /// Between codes on steps that are powers of two, every operation of every runtime's formulas is exact, so that their order does not matter: layers whose sums with the
  /// bias stay below 2²⁴, sums, products, limits, movements, and means whose quotient has no ties.
  public var portability: Portability {
    Portability(obstacles: gridObstacles, exceptions: floatExceptions + layerExceptions)
  }

  /// - Throws: `LoweringError` saying what is no power of two, where it is, and what to do.
  public func requirePortability() throws(LoweringError) {
    let obstacles = gridObstacles
    guard let first = obstacles.first else { return }
    let more = obstacles.count > 1 ? " and \(obstacles.count - 1) more" : ""
    throw LoweringError(
      "the target portable needs steps that are powers of two, and zero-points 0 or half of the codes: \(first)\(more). Quantize the fp32 network with "
        + "\"power_of_two_scales\": true, or take the target of one runtime")
  }

  private var gridObstacles: [String] {
    var obstacles: [String] = []
    for node in simulation.nodes {
      let output = node.outputs[0]
      if node.op is FakeQuantize {
        guard let codes = activations[output] else {
          obstacles.append("'\(node.name)' has one step a channel, which runtimes compute in floating point")
          continue
        }
        if !FakeQuantize.isStep(codes.scale) { obstacles.append("'\(node.name)' has the step \(codes.scale)") }
        if codes.zeroPoint % 2 != 0 { obstacles.append("'\(node.name)' has the zero-point \(codes.zeroPoint)") }
      }
      for name in node.inputs {
        guard let weight = weights[name], let channel = weight.scales.firstIndex(where: { !FakeQuantize.isStep($0) }) else { continue }
        obstacles.append("the weight '\(name)' of '\(node.name)' has the step \(weight.scales[channel]) in channel \(channel)")
      }
    }
    return obstacles
  }

  private var layerExceptions: [String] {
    shiftExceptions + adjustments.map { "\($0.node): \($0.reason)" }
      + overflowCertificates.filter { !$0.isExactInFloats }.map {
        "\($0.layer): its sums may reach \($0.exactSum), and floats hold whole numbers below \(OverflowCertificate.floatLimit) exactly"
      }
  }

  /// OpenVINO adds a zero-point before it rounds: f(v / s + z). With z = 128 that is exact for whole multiples of 2⁻¹⁶ steps.
  private var shiftExceptions: [String] {
    let layers = Set(integerLayers.map(\.name))
    let (types, consumers) = ((try? simulation.tensorTypes()) ?? [:], simulation.consumers)
    return simulation.nodes.compactMap { node in
      guard let finest = finestStep(of: node, isLayer: layers.contains(node.name), types) else { return nil }
      var tensor = node.outputs[0]
      while let use = consumers[tensor]?.first {
        let reader = simulation.nodes[use.node]
        tensor = reader.outputs[0]
        guard reader.op is Relu || reader.op is Clip else { break }
      }
      guard let codes = activations[tensor], codes.zeroPoint != 0, codes.scale / finest > 0x1p16 else { return nil }
      return
        "\(node.name) (\(node.type)): the step of its result is \(codes.scale / finest) times that of its sums, to which OpenVINO adds the zero-point before it rounds"
    }
  }

  /// The number of which all sums of an operator on codes are whole multiples; nil for others.
  private func finestStep(of node: Node, isLayer: Bool, _ types: [TensorName: TensorType]) -> Float? {
    let grids = node.inputs.prefix(2).compactMap { activations[$0] }
    if isLayer { return grids.first.flatMap { grid in weights[node.inputs[1]]?.scales.min().map { $0 * grid.scale } } }
    switch node.op {
    case is Add where grids.count == 2: return min(grids[0].scale, grids[1].scale)
    case is Mul where grids.count == 2, is MatMul where grids.count == 2: return grids[0].scale * grids[1].scale
    case is GlobalAveragePool, is AveragePool: return grids.first.flatMap { grid in meanCount(node, types).map { grid.scale / Float($0) } }
    default: return nil
    }
  }

  private var floatExceptions: [String] {
    let layers = Set(integerLayers.map(\.name))
    let types = (try? simulation.tensorTypes()) ?? [:]
    return simulation.nodes.compactMap { node in
      reason(node, isLayer: layers.contains(node.name), types).map { "\(node.name) (\(node.type)): \($0)" }
    }
  }

  /// Why an operator's results may differ between runtimes; nil where they do not.
  private func reason(_ node: Node, isLayer: Bool, _ types: [TensorName: TensorType]) -> String? {
    func grid(_ index: Int) -> ActivationCodes? { node.inputs.indices.contains(index) ? activations[node.inputs[index]] : nil }
    switch node.op {
    case is FakeQuantize, is Relu, is Clip, is Identity, is Dropout, is MaxPool: return nil
    case is Flatten, is Reshape, is Transpose, is Slice, is Pad, is Expand, is Tile, is Trilu, is DepthToSpace, is SpaceToDepth, is Gather,
      is GatherElements, is Concat:
      return nil
    case _ where isLayer: return nil
    case is MatMul where grid(0) != nil && grid(1) != nil, is Mul where grid(0) != nil && grid(1) != nil: return nil
    case is Add:
      guard let a = grid(0), let b = grid(1) else { return "it adds what is not quantized" }
      // Codes of 8 bits, moved apart by their steps, and their sum.
      return max(a.scale, b.scale) / min(a.scale, b.scale) <= 0x1p14 ? nil : "its operands' steps are too far apart to be added exactly"
    case is GlobalAveragePool, is AveragePool: return meanReason(node, types)
    default: return "runtimes compute it in floating point, each in its own way"
    }
  }

  /// Σ q / n times a power of two r = s_x / s_y is a tie where 2 Σ r = n · odd. Quotients round otherwise than products with 1 / n, so that ties must be exact or absent: n is
  /// a power of two, or odd while r is whole, which makes the left side even and the right one odd.
  private func meanReason(_ node: Node, _ types: [TensorName: TensorType]) -> String? {
    guard let input = activations[node.inputs[0]] else { return "its input is not quantized" }
    if let pool = node.as(AveragePool.self), pool.window.pads.contains(where: { $0 != 0 }) {
      return "its windows reach over the edge, so that counts differ"
    }
    guard let count = meanCount(node, types) else { return "it is a mean of an unknown or very large number of values" }
    if count & (count - 1) == 0 { return nil }
    let steps = simulation.consumers[node.outputs[0]]?.map { activations[simulation.nodes[$0.node].outputs[0]]?.scale } ?? []
    // Both sides differ by one at least, of 2 · 255 · n.
    let hasNoTies = count % 2 == 1 && !steps.isEmpty && steps.allSatisfy { ($0 ?? .infinity) <= input.scale }
    return hasNoTies ? nil : "it is a mean of \(count) values, whose ties runtimes round differently"
  }

  /// Values of which a pooling takes the mean; nil when it is not known, or too large for sums of codes to be exact.
  private func meanCount(_ node: Node, _ types: [TensorName: TensorType]) -> Int? {
    let count =
      node.as(AveragePool.self)?.window.kernel.reduce(1, *)
      ?? types[node.inputs[0]]?.dimensions.dropFirst(2).reduce(1) { $0 * ($1.fixedSize ?? 0) } ?? 0
    return (1..<1 << 16).contains(count) ? count : nil
  }
}
