import QATEngine
import QATGraph
import QATTensor

/// What finding ranges again needs.
struct RangeSource {
  /// How each quantizer finds its range, by id.
  var initializers: [String: QuantizationConfiguration.RangeInitializer]
  /// The samples; nil leaves activations at their ranges.
  var calibration: (any BatchSource)?
  /// Samples in a calibration batch.
  var batchSize: Int
}

extension CompressionController {
  /// The network with the quantizers that quantize in the scheduler's epoch; the others are not there, as if they passed on what they read.
  /// - Parameter values: a copy of `graph` whose values training may have changed; `graph` itself when nil.
  /// - Returns: the network with these values.
  /// - Throws: `QuantizationError` when the quantizers do not fit the network.
  public func activeGraph(_ values: Graph? = nil) throws(QuantizationError) -> Graph {
    let values = values ?? graph
    let kinds = scheduler.enabledKinds
    if kinds.count == QuantizationPoint.Kind.allCases.count {
      var result = graph
      result.constants = values.constants
      return result
    }
    var result = try source.inserting(setup, of: kinds)
    for name in result.constants.keys { if let constant = values.constants[name] { result.constants[name] = constant } }
    return result
  }

  /// Finds the ranges of all quantizers anew, from the weights in training and the calibration data, with no quantizer at work: NNCF's `init_range`.
  ///
  /// All ranks call it together and get the same bytes. Signs that the data decide may change, and with them the operators of `graph`.
  /// - Parameter state: the parameters; receives the ranges.
  /// - Throws: `QuantizationError` naming a quantizer that saw a value that is not finite; what the samples or the communicator throw.
  public func initializeRanges(_ state: ModelState) throws {
    guard let ranges else { return }
    let found = try initializedRanges(
      for: setup, of: state.applied(to: source), ranges.initializers, calibration: ranges.calibration, batchSize: ranges.batchSize,
      communicator: communicator)
    setup = found.setup
    let operators = Dictionary(setup.points.map { ($0.id, $0.specification.fakeQuantize) }, uniquingKeysWith: { first, _ in first })
    for index in graph.nodes.indices {
      if graph.nodes[index].op is FakeQuantize, let op = operators[graph.nodes[index].name] { graph.nodes[index].op = op }
    }
    state.load(found.parameters)
  }
}
