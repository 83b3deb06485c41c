import QATGraph

/// What placement decides: the quantizers, and why some operators have none.
public struct QuantizerPlacement: Sendable, Hashable {
  /// The quantizers, to be given to `Graph.inserting(_:)`.
  public var setup: QuantizerSetup
  /// By the name of each operator that could compute on integers, or stops quantizers, and is left in floating point: the reason, in one sentence.
  public var floatReasons: [String: String]
  /// What of the configuration has no effect on this network, one sentence each.
  public var warnings: [String]
  /// In what ways each quantizer may quantize, one a bit width.
  var choices: QuantizerChoices
}

/// Decides which quantizers a network gets: NNCF's placement for its operator set. A pure function: nothing is inserted, no data are read.
/// - Parameters:
///   - graph: a validated network without fake quantizers.
///   - configuration: the `quantization` section.
///   - device: chooses the hardware table.
/// - Returns: the setup, and the reasons of what it leaves out.
/// - Throws: `QuantizationError` when a scope matches nothing, when demands contradict the hardware table or each other, or when the network is
///   quantized already; `GraphError` when it is no network.
public func placeQuantizers(in graph: Graph, _ configuration: QuantizationConfiguration, device: TargetDevice) throws -> QuantizerPlacement {
  if let node = graph.nodes.first(where: { $0.op is FakeQuantize }) {
    throw QuantizationError(
      "the network '\(graph.name)' is quantized already: the node '\(node.name)' is a FakeQuantize. Start from the fp32 network")
  }
  let faults = configuration.faults(on: device)
  guard faults.isEmpty else {
    throw QuantizationError(faults.map { "\($0.path.joined(separator: ".")): \($0.message)" }.joined(separator: "\n"))
  }
  try configuration.validateScopes(in: graph)
  let network = try LiveGraph(graph)
  let activationScopes = try ScopeFilter(configuration, .activation)
  let weightScopes = try ScopeFilter(configuration, .weight)
  let quantizationGraph = QuantizationGraph(network, device: device, exclusion: activationScopes.exclusion)

  var unmet = UnmetDemands()
  var choices = QuantizerChoices()
  var tables: [EmbeddingTable] = []
  var weights = try WeightPlacement(
    network: network, device: device, demands: GroupDemands(configuration, .weight, device: device),
    overflowFix: configuration.overflowFix ?? .enable,
    scopes: weightScopes
  ).points(of: quantizationGraph, &unmet, &choices, &tables)
  var propagation = QuantizerPropagation(quantizationGraph, table: device.table)
  propagation.run(try GroupDemands(configuration, .activation, device: device), quantizesOutputs: configuration.quantizesOutputs, &unmet)
  try unmet.throwIfAny(on: device)
  propagation.removeNeedless()
  propagation.removeRedundant()
  propagation.moveIntoTables(tables, &weights, &choices)

  var setup = propagation.setup(weights: weights, quantizesInputs: configuration.quantizesInputs, &choices)
  for (index, point) in setup.points.enumerated() {
    func completed(_ specification: QuantizerSpecification) -> QuantizerSpecification {
      var result = specification
      result.isLogarithmic = configuration[point.kind].usesLogarithms
      result.hasPowerOfTwoStep = configuration.usesPowersOfTwo
      result.learningRateMultiplier = configuration.learningRateMultiplier
      return result
    }
    setup.points[index].specification = completed(point.specification)
    choices[point.id] = choices[point.id].map(completed)
  }
  try setup.unifyScales(atOperators: configuration.activations.unifiedScaleOperators)
  try setup.checkUnifiedScales()
  if let precision = configuration.precision, precision.kind == .manual { try setup.assign(precision.assignments, choices) }
  let reasons = FloatReasons(network: network, propagation: propagation, device: device, weightScopes: weightScopes, configuration: configuration)
  return QuantizerPlacement(
    setup: setup, floatReasons: reasons.byOperator, warnings: try configuration.scopesInsideChains(of: quantizationGraph), choices: choices)
}
