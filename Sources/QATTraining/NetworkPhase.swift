import QATGraph
import QATQuantization

/// What of the network takes part in the steps of an epoch: which quantizers quantize, and what no longer moves.
struct NetworkPhase: Hashable {
  /// The quantizers that quantize.
  var quantizers: Set<QuantizationPoint.Kind>
  /// Whether batch norm keeps its running statistics and normalises with them.
  var freezesStatistics: Bool
  /// Whether quantizers keep their ranges.
  var freezesRanges: Bool

  /// The phase of an epoch.
  /// - Parameters:
  ///   - epoch: the epoch.
  ///   - configuration: after how many epochs what freezes.
  ///   - scheduler: the quantizers' scheduler, which stands in that epoch; nil where all quantize.
  init(_ epoch: Int, _ configuration: RunConfiguration, _ scheduler: CompressionScheduler?) {
    quantizers = scheduler?.enabledKinds ?? Set(QuantizationPoint.Kind.allCases)
    freezesStatistics = configuration.batchNormUpdateEpochs.map { epoch >= $0 } ?? false
    freezesRanges = configuration.observerUpdateEpochs.map { epoch >= $0 } ?? false
  }

  /// The network as its steps compute it: statistics of batch norm are frozen in the operators, ranges are fixed constants.
  func applied(to graph: Graph) -> Graph {
    var result = graph
    for index in result.nodes.indices {
      if freezesStatistics, var op = result.nodes[index].as(BatchNormalization.self) {
        op.isFrozen = true
        result.nodes[index].op = op
      }
      if freezesRanges, result.nodes[index].op is FakeQuantize {
        for parameter in result.nodes[index].inputs.dropFirst() { result.constants[parameter]?.role = .fixed }
      }
    }
    return result
  }
}

extension Graph {
  /// Names of the constants that training moves.
  var trainedParameters: Set<TensorName> { Set(nodes.flatMap(\.inputs).filter { constants[$0]?.role == .parameter }) }
}
