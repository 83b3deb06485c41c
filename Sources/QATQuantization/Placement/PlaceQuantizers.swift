import QATGraph

/// Decides which quantizers a network gets: NNCF's placement for its operator set. A pure function: nothing is inserted, no data are read.
/// - Parameters:
///   - graph: a validated network without fake quantizers.
///   - configuration: the `quantization` section.
///   - device: chooses the hardware table. This version has the CPU's, which `ANY` uses as well.
/// - Returns: the setup, to be given to `Graph.inserting(_:)`.
/// - Throws: `QuantizationError` when a scope matches nothing, when demands contradict the hardware table, or when the network is quantized already;
///   `GraphError` when it is no network.
public func placeQuantizers(in graph: Graph, _ configuration: QuantizationConfiguration, device: TargetDevice) throws -> QuantizerSetup {
  if let node = graph.nodes.first(where: { $0.op is FakeQuantize }) {
    throw QuantizationError(
      "the network '\(graph.name)' is quantized already: the node '\(node.name)' is a FakeQuantize. Start from the fp32 network")
  }
  try configuration.validateScopes(in: graph)
  let table = try HardwareTable.table(for: device)
  let network = try LiveGraph(graph)
  let activationScopes = try ScopeFilter(configuration, .activation)
  let weightScopes = try ScopeFilter(configuration, .weight)
  let quantizationGraph = QuantizationGraph(network, table: table, includes: activationScopes.includes)
  let weights = try WeightPlacement(
    network: network, table: table, demands: QuantizerDemands(configuration, .weight), overflowFix: configuration.overflowFix,
    includes: weightScopes.includes
  ).points(of: quantizationGraph)

  var propagation = QuantizerPropagation(quantizationGraph, table: table)
  try propagation.run(QuantizerDemands(configuration, .activation), quantizesOutputs: configuration.quantizesOutputs)
  propagation.removeNeedless()
  propagation.removeRedundant()
  return propagation.setup(weights: weights, quantizesInputs: configuration.quantizesInputs)
}
