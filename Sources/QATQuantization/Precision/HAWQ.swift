import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// Chooses bit widths by the curvature of the loss: HAWQ-V2.
///
/// The lower the average Hessian trace of a weight, the fewer bits it gets; of the candidates that need few enough bit operations the one is chosen
/// whose quantization errors, each times its weight's trace, add up to least.
struct HAWQ {
  private typealias Report = PrecisionReport

  private let settings: QuantizationConfiguration.HAWQ
  private let setup: QuantizerSetup
  private let choices: QuantizerChoices
  private let graph: Graph
  private let weights: [QuantizationPoint]
  /// Activation quantizers, those that share a scale together.
  private let activations: [[String]]

  /// - Parameters:
  ///   - settings: what the configuration says.
  ///   - placement: the quantizers and what they may be.
  ///   - graph: the fp32 network.
  init(_ settings: QuantizationConfiguration.HAWQ, _ placement: QuantizerPlacement, _ graph: Graph) {
    self.settings = settings
    self.graph = graph
    setup = placement.setup
    choices = placement.choices
    weights = placement.setup.weightPoints
    var seen = Set<String>()
    activations = placement.setup.activationPoints.map { placement.setup.sharers(of: $0.id) }.filter { seen.insert($0[0]).inserted }
  }

  /// The weights whose traces are needed, by quantizer.
  /// - Throws: `QuantizationError` when the network has no such weight.
  func tensors() throws(QuantizationError) -> [(id: String, tensor: TensorName)] {
    try weights.map { (point) throws(QuantizationError) in
      guard let tensor = point.tensor(in: graph) else { throw QuantizationError("quantizer '\(point.id)': the network has no weight there") }
      return (point.id, tensor)
    }
  }

  /// The choice.
  /// - Parameters:
  ///   - traces: by the weight's name.
  ///   - initializers: how each quantizer finds its range, by id.
  /// - Returns: the setup with its bit widths, and what was weighed.
  /// - Throws: `QuantizationError` when there is nothing to choose, too much, or no choice meets the configuration.
  func choose(
    _ traces: HessianTraces, _ initializers: [String: QuantizationConfiguration.RangeInitializer]
  ) throws(QuantizationError) -> (setup: QuantizerSetup, report: PrecisionReport) {
    let places = try tensors()
    let order = places.indices.sorted { a, b in
      let (x, y) = (traces.average[places[a].tensor] ?? 0, traces.average[places[b].tensor] ?? 0)
      return (x, a) < (y, b)
    }
    let search = try search(order, traces, initializers)
    try check(search)
    var (best, limits): (BitWidthSearch.Candidate?, (low: Double, high: Double)) = (nil, (.infinity, 0))
    var (count, listed): (Int, [PrecisionReport.Candidate]) = (0, [])
    search.forEachCandidate { candidate in
      count += 1
      limits = (min(limits.low, candidate.ratio), max(limits.high, candidate.ratio))
      if settings.dumpsData {
        listed.append(.init(ratio: candidate.ratio, perturbation: candidate.perturbation, bits: candidate.weights))
      }
      guard candidate.ratio >= settings.compressionRatio else { return }
      guard let known = best else { return best = candidate }
      if (candidate.perturbation, -candidate.ratio) < (known.perturbation, -known.ratio) { best = candidate }
    }
    guard let best else {
      throw QuantizationError(
        "HAWQ: a compression_ratio of \(settings.compressionRatio) cannot be had; the bit widths on offer give "
          + (count == 0 ? "no choice that keeps the order of the traces" : "\(hundredths(limits.low)) to \(hundredths(limits.high))"))
    }
    var result = setup
    for (place, bits) in zip(order, best.weights) { result.setBitWidth(bits, of: weights[place].id, choices) }
    for (sharers, bits) in zip(activations, best.activations) { result.setBitWidth(bits, of: sharers[0], choices) }
    let layers = zip(order, zip(search.weights, best.weights)).map { place, choice in
      PrecisionReport.Layer(
        id: weights[place].id, averageTrace: choice.0.trace, elementCount: graph.tensor(places[place].tensor)?.count ?? 0,
        operations: choice.0.operations, errors: choice.0.noises.map { .init(bits: $0.bits, squaredError: $0.error) }, bits: choice.1)
    }
    let report = PrecisionReport(
      layers: layers, assignments: result.points.map { .init(bits: $0.specification.bits, scope: $0.id) }, progress: traces.progress,
      requestedRatio: settings.compressionRatio, ratio: best.ratio, perturbation: best.perturbation, candidateCount: count,
      lowestRatio: limits.low, highestRatio: limits.high, candidates: listed)
    return (result, report)
  }

  private func check(_ search: BitWidthSearch) throws(QuantizationError) {
    guard search.weights.contains(where: { $0.noises.count > 1 }) else {
      throw QuantizationError(
        "HAWQ has nothing to choose: the device and the configuration leave every weight one bit width. Give more of them in \"bits\", or take the device NPU or TRIAL"
      )
    }
    guard search.candidateCount <= BitWidthSearch.candidateLimit else {
      throw QuantizationError(
        "HAWQ would have to look at more than \(BitWidthSearch.candidateLimit) choices for \(search.weights.count) weights. Give fewer bit widths in \"bits\""
      )
    }
  }

  /// The problem in numbers, weights in the given order.
  private func search(
    _ order: [Int], _ traces: HessianTraces, _ initializers: [String: QuantizationConfiguration.RangeInitializer]
  ) throws(QuantizationError) -> BitWidthSearch {
    let isStrict = settings.assignmentMode == .strict
    let groups = groupOfPoint(joiningSharers: isStrict)
    var common: [Int: Set<Int>] = [:]
    if isStrict {
      for point in setup.points { common[groups[point.id] ?? 0, default: Set(2...8)].formIntersection(widths([point.id])) }
      if let empty = common.first(where: { $0.value.isEmpty })?.key {
        let members = setup.points.filter { groups[$0.id] == empty }.map {
          "'\($0.id)' (\(widths([$0.id]).map(String.init).joined(separator: ", ")))"
        }
        throw QuantizationError(
          "HAWQ: with \"bitwidth_assignment_mode\": \"strict\" quantizers that feed the same operators have one bit width, and these have none in common: "
            + members.joined(separator: ", ") + ". Take \"liberal\", or other \"bits\"")
      }
    }
    func offered(_ ids: [String]) -> [Int] {
      let own = widths(ids)
      guard isStrict, let shared = common[groups[ids[0]] ?? 0] else { return own }
      return own.filter(shared.contains)
    }
    let activationOfOperator = Dictionary(
      activations.enumerated().flatMap { index, ids in ids.flatMap { setup[$0]?.quantizedOperators ?? [] }.map { ($0, index) } },
      uniquingKeysWith: { first, _ in first })
    let costs = try costs()
    let places = try tensors()
    let entries = try order.map { (place) throws(QuantizationError) -> BitWidthSearch.Weight in
      let point = weights[place]
      let tensor = places[place].tensor
      let noises = try offered([point.id]).map { (bits) throws(QuantizationError) in
        (bits: bits, error: try squaredError(point, bits, initializers[point.id] ?? .init()))
      }
      return BitWidthSearch.Weight(
        trace: traces.average[tensor] ?? 0, noises: noises, operations: point.quantizedOperators.reduce(0) { $0 + (costs[$1] ?? 0) },
        activation: point.quantizedOperators.lazy.compactMap { activationOfOperator[$0] }.first, group: groups[point.id] ?? 0)
    }
    return BitWidthSearch(
      weights: entries,
      activations: activations.map { ids in .init(widths: offered(ids), groups: Set(ids.compactMap { groups[$0] })) }, isStrict: isStrict)
  }

  /// The bit widths that some quantizers may all have, lowest first: of those on offer the ones that the settings list, or the preferred one when they list none.
  private func widths(_ ids: [String]) -> [Int] {
    let offered = choices.commonBitWidths(ids)
    let listed = offered.filter(settings.bitWidths.contains)
    return (listed.isEmpty ? Array(offered.prefix(1)) : listed).sorted()
  }

  /// Numbers of the groups of quantizers that feed the same operators; joined, if asked for, where members share a scale.
  private func groupOfPoint(joiningSharers: Bool) -> [String: Int] {
    var union = UnionFind()
    var numbers: [String: Int] = [:]
    for group in setup.sharedInputGroups + (joiningSharers ? setup.unifiedScaleGroups : []) {
      let number = union.add()
      for id in group {
        if let other = numbers[id] { union.join(other, number) } else { numbers[id] = number }
      }
    }
    return numbers.mapValues { union.root($0) }
  }

  /// Multiply-adds of each operator, by name.
  private func costs() throws(QuantizationError) -> [String: Int] {
    do {
      let types = try graph.tensorTypes()
      return Dictionary(graph.nodes.map { ($0.name, $0.multiplyAdds(types)) }, uniquingKeysWith: { first, _ in first })
    } catch { throw QuantizationError("\(error)") }
  }

  private func squaredError(
    _ point: QuantizationPoint, _ bits: Int, _ initializer: QuantizationConfiguration.RangeInitializer
  ) throws(QuantizationError) -> Double {
    var point = point
    guard let choice = choices[point.id].first(where: { $0.bits == bits }), let tensor = point.tensor(in: graph).flatMap(graph.tensor) else {
      return 0
    }
    point.specification = choice
    guard initializer.sampleCount > 0 else {
      let defaults = choice.parameters.map { Tensor(repeating: $0.initialValue, shape: choice.parameterShape) }
      return choice.fakeQuantize.squaredError(on: tensor, defaults)
    }
    let (specification, parameters) = choice.initialized(from: try weightRange(point, graph, initializer))
    return specification.fakeQuantize.squaredError(on: tensor, parameters)
  }

  private func hundredths(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
