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
/// - Parameters:
///   - setup: where quantizers will sit.
///   - graph: the fp32 network, without them.
///   - initializers: how each quantizer finds its range, by id; one that takes 0 samples leaves it at its start.
///   - calibration: the samples; nil leaves activations uninitialised.
///   - batchSize: samples in a batch, on whichever rank.
///   - communicator: the ranks. Every one gets the same ranges, for every number of ranks.
/// - Returns: the setup with its signs, and the parameters.
/// - Throws: `QuantizationError` naming a quantizer that saw a value that is not finite; what the samples, the engine or the communicator throw.
func initializedRanges(
  for setup: QuantizerSetup, of graph: Graph, _ initializers: [String: QuantizationConfiguration.RangeInitializer],
  calibration: (any BatchSource)?, batchSize: Int, communicator: any Communicator
) throws -> InitializedRanges {
  var extremes: [String: Extremes] = [:]
  for point in setup.weightPoints {
    guard let initializer = initializers[point.id], initializer.sampleCount > 0 else { continue }
    extremes[point.id] = try weightRange(point, graph, initializer)
  }
  if let calibration, calibration.sampleCount > 0 {
    var observation = try ActivationObservation(
      setup.activationPoints, graph, initializers, available: calibration.sampleCount, batchSize: batchSize)
    extremes.merge(try observation.run(calibration, communicator)) { $1 }
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
    guard tensors.allSatisfy({ $0.floats?.allSatisfy(\.isFinite) ?? true }) else {
      throw QuantizationError(
        "quantizer '\(point.id)': the range \(range.minimum.min() ?? 0)...\(range.maximum.max() ?? 0) is wider than float32. "
          + "Check the model's weights and the data's normalisation")
    }
    result.setup.points[index].specification = specification
    for (parameter, tensor) in zip(specification.parameters, tensors) { result.parameters["\(owner).\(parameter.suffix)"] = tensor }
  }
  return result
}

/// The range of a weight, which is one observation: means are of itself, samples are not looked at. Source: NNCF 2.14.
func weightRange(
  _ point: QuantizationPoint, _ graph: Graph, _ initializer: QuantizationConfiguration.RangeInitializer
) throws(QuantizationError) -> Extremes {
  let name = point.tensor(in: graph)
  guard let name, let tensor = graph.tensor(name), let values = tensor.floats else {
    throw QuantizationError("quantizer '\(point.id)': the network has no float32 weight '\(name ?? point.target.name)'")
  }
  let layout = ObservedLayout(shape: tensor.shape, axis: point.specification.channelAxis, samples: 1)
  let range = values.withUnsafeBufferPointer { values -> Result<Extremes, QuantizationError> in
    if let found = NonFiniteValue(in: values) {
      return .failure(
        QuantizationError(
          "quantizer '\(point.id)': the weight '\(name)' of shape \(tensor.shape) holds the value \(found.value) at place \(found.index), "
            + "so it has no range. Repair the model"))
    }
    switch initializer.kind {
    case .minMax, .mixedMinMax, .meanMinMax:
      return .success(BatchExtremes(layout, initializer, isSymmetric: point.specification.mode == .symmetric, batchSize: 1).extremes(values))
    case .percentile, .meanPercentile, .threeSigma:
      return .success(QuantileRange.range(of: values, layout, initializer))
    }
  }
  return try range.get()
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
