import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// Quantizers with ranges that data gave.
struct InitializedRanges {
  /// The setup, with the signs that the data decided.
  var setup: QuantizerSetup
  /// Values of the quantizers' parameters, by the names that `Graph.inserting` gives them.
  var parameters: [TensorName: Tensor]
  /// Ids of the points that keep their starting values.
  var uninitialized: [String]
}

/// Finds the ranges of all quantizers: of weights from the weights, of activations by running the fp32 network on samples.
///
/// Whole batches are dealt to the ranks in turn and their statistics folded in the order of the batches: every rank gets the same ranges, for every number
/// of ranks.
/// - Parameters:
///   - setup: where quantizers will sit.
///   - graph: the fp32 network, without them.
///   - initializer: how ranges are found, and from how many samples; with 0, nothing is initialised.
///   - calibration: the samples; nil leaves activations uninitialised.
///   - batchSize: samples in a batch, on whichever rank.
///   - communicator: the ranks.
/// - Returns: the setup with its signs, and the parameters.
/// - Throws: `QuantizationError` naming a quantizer that saw a value that is not finite; what the samples, the engine or the communicator throw.
func initializedRanges(
  for setup: QuantizerSetup, of graph: Graph, _ initializer: QuantizationConfiguration.RangeInitializer, calibration: (any BatchSource)?,
  batchSize: Int,
  communicator: any Communicator
) throws -> InitializedRanges {
  var extremes: [String: Extremes] = [:]
  if initializer.sampleCount > 0 {
    for point in setup.weightPoints { extremes[point.id] = try weightExtremes(point, graph) }
    if let calibration, calibration.sampleCount > 0 {
      let observation = try ActivationObservation(
        setup.activationPoints, graph, kind: initializer.kind, sampleCount: min(initializer.sampleCount, calibration.sampleCount),
        batchSize: batchSize)
      extremes.merge(try observation.run(calibration, communicator)) { $1 }
    }
  }
  // Quantizers that share parameters share the range that holds all of theirs.
  let owners = setup.parameterOwners
  var merged: [String: Extremes] = [:]
  for point in setup.points {
    guard let found = extremes[point.id], let owner = owners[point.id] else { continue }
    merged[owner, default: found].form(found)
  }
  var result = InitializedRanges(setup: setup, parameters: [:], uninitialized: [])
  for index in setup.points.indices {
    let point = setup.points[index]
    guard let owner = owners[point.id], let range = merged[owner] else {
      result.uninitialized.append(point.id)
      continue
    }
    let (specification, tensors) = point.specification.initialized(from: range)
    result.setup.points[index].specification = specification
    for (parameter, tensor) in zip(specification.parameters, tensors) { result.parameters["\(owner).\(parameter.suffix)"] = tensor }
  }
  return result
}

/// A weight is one observation, whatever the type of the initializer.
private func weightExtremes(_ point: QuantizationPoint, _ graph: Graph) throws -> Extremes {
  let name = point.tensor(in: graph)
  guard let name, let tensor = graph.tensor(name), let values = tensor.floats else {
    throw QuantizationError("quantizer '\(point.id)': the network has no float32 weight '\(name ?? point.target.name)'")
  }
  let axis = point.specification.channelAxis.map { $0 < 0 ? $0 + tensor.shape.count : $0 }
  let inner = axis.map { tensor.shape[($0 + 1)...].reduce(1, *) } ?? 1
  let observer = RangeObserver(point.specification, kind: .minMax, batchSize: 1)
  var record = [Float](repeating: 0, count: observer.recordCount)
  values.withUnsafeBufferPointer { values in
    record.withUnsafeMutableBufferPointer { observer.observe(values, inner: inner, samples: 1, into: $0) }
  }
  guard let extremes = observer.fold([record[...]], samples: [1]) else {
    throw QuantizationError("quantizer '\(point.id)': the weight '\(name)' holds values that are not finite, so it has no range. Repair the model")
  }
  return extremes
}

extension QuantizationPoint {
  /// The tensor that the point quantizes, in the network without quantizers.
  func tensor(in graph: Graph) -> TensorName? {
    switch target.place {
    case .networkInput, .networkOutput: return target.name
    case .output: return graph.node(named: target.name)?.outputs.first
    case .weight, .input:
      guard let node = graph.node(named: target.name), let port = target.port, port < node.inputs.count else { return nil }
      return node.inputs[port]
    }
  }
}
