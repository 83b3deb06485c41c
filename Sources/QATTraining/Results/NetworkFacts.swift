import QATCommunication
import QATDeployment
import QATEngine
import QATGraph
import QATLowering
import QATQuantization

/// What there is to know of a quantized network: what its quantizers do to values, and which of its operators run on integers, in which runtime.
public struct NetworkFacts: Sendable {
  /// The network with its values.
  public var graph: Graph
  /// Its operators with their quantizers, in node order.
  public var layers: [QuantizedLayer]
  /// What quantization does to values.
  public var noise: QuantizationNoiseReport
  /// For each runtime with integer kernels the names of the operators that it computes on integers.
  public var integerOperators: [Runtime: Set<String>]
  /// Operators that no runtime computes on integers, with the reason.
  public var floatOperators: [LoweredGraph.FloatOperator]
  /// What each layer costs alone; nil when that was not measured.
  public var sensitivity: Sensitivity?

  /// Measures a network. All ranks call it together and get the same.
  /// - Parameters:
  ///   - graph: the quantized network with its values.
  ///   - float: the same network and values without quantizers.
  ///   - setup: the quantizers.
  ///   - samples: samples to measure on; nil measures weights only.
  ///   - communicator: the ranks.
  /// - Throws: `LoweringError` when the network cannot become integers; what the engine, the samples or the communicator throw.
  public init(of graph: Graph, float: Graph, setup: QuantizerSetup, samples: (any BatchSource)?, communicator: any Communicator) throws {
    self.graph = graph
    layers = setup.layers(of: graph)
    noise = try QuantizationNoiseReport(of: graph, float: float, layers: layers.map(\.name), samples: samples, communicator: communicator)
    (integerOperators, floatOperators) = try communicator.together {
      let lowered = try lower(graph)
      let operators = try Runtime.withIntegerKernels.map { ($0, try DeployedNetwork(lowered, target: $0, batchSize: 1).integerOperators) }
      return (Dictionary(operators, uniquingKeysWith: { first, _ in first }), lowered.floatOperators)
    }
  }
}
