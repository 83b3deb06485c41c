import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// Runs the fp32 network on calibration batches and collects what each activation quantizer will see.
struct ActivationObservation {
  private let points: [(point: QuantizationPoint, tensor: TensorName, observer: RangeObserver, inner: Int)]
  private let graph: Graph
  private let sampleCount: Int
  private let batchSize: Int

  /// Prepares the observation of `points`.
  /// - Throws: `QuantizationError` when the network has no such tensor.
  init(
    _ points: [QuantizationPoint], _ graph: Graph, kind: QuantizationConfiguration.RangeInitializer.Kind, sampleCount: Int, batchSize: Int
  ) throws {
    let types = try graph.tensorTypes()
    self.graph = graph
    self.sampleCount = sampleCount
    self.batchSize = min(batchSize, sampleCount)
    var result: [(QuantizationPoint, TensorName, RangeObserver, Int)] = []
    for point in points {
      guard let tensor = point.tensor(in: graph), let type = types[tensor] else {
        throw QuantizationError("quantizer '\(point.id)': the network has no tensor there")
      }
      let shape = type.shape(batchSize: self.batchSize)
      let axis = point.specification.channelAxis.map { $0 < 0 ? $0 + shape.count : $0 }
      let inner = axis.map { shape[($0 + 1)...].reduce(1, *) } ?? 1
      result.append((point, tensor, RangeObserver(point.specification, kind: kind, batchSize: self.batchSize), inner))
    }
    self.points = result
  }

  /// Number of batches; the last one may be partly filled.
  private var batchCount: Int { (sampleCount + batchSize - 1) / batchSize }

  private func samples(in batch: Int) -> Range<Int> { batch * batchSize..<min((batch + 1) * batchSize, sampleCount) }

  /// The extremes that each point saw, by id.
  func run(_ calibration: any BatchSource, _ communicator: any Communicator) throws -> [String: Extremes] {
    let own = try observeOwnBatches(calibration, communicator)
    let size = communicator.size
    let all = try communicator.allgather(own.withUnsafeBytes { Array($0) }).map { bytes in
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
    let counts = (0..<batchCount).map { samples(in: $0).count }
    let recordCount = points.reduce(0) { $0 + $1.observer.recordCount }
    var result: [String: Extremes] = [:]
    var offset = 0
    for (point, tensor, observer, _) in points {
      let records = (0..<batchCount).map { batch in
        let start = batch / size * recordCount + offset
        return all[batch % size][start..<start + observer.recordCount]
      }
      guard let extremes = observer.fold(records, samples: counts) else {
        throw QuantizationError(
          "quantizer '\(point.id)': the tensor '\(tensor)' holds values that are not finite for some of the \(sampleCount) calibration samples, "
            + "so it has no range. Check the model's weights and the data's normalisation")
      }
      result[point.id] = extremes
      offset += observer.recordCount
    }
    return result
  }

  /// The records of the batches rank, rank + size, rank + 2·size ..., one after the other.
  private func observeOwnBatches(_ calibration: any BatchSource, _ communicator: any Communicator) throws -> [Float] {
    let plan = try communicator.together {
      try Plan(graph, state: ModelState(graph), batchSize: batchSize, mode: .evaluation, observed: points.map(\.tensor))
    }
    var records: [Float] = []
    try communicator.inRounds((batchCount + communicator.size - 1) / communicator.size) { round in
      let batch = round * communicator.size + communicator.rank
      guard batch < batchCount else { return }
      let range = samples(in: batch)
      for input in graph.inputs {
        let memory = plan.input(input.name)
        try calibration.read(
          range, input: input.name, into: UnsafeMutableBufferPointer(rebasing: memory[..<(memory.count / batchSize * range.count)]))
      }
      plan.forward()
      for (_, tensor, observer, inner) in points {
        var record = [Float](repeating: 0, count: observer.recordCount)
        let values = plan.output(tensor)
        record.withUnsafeMutableBufferPointer { observer.observe(values, inner: inner, samples: range.count, into: $0) }
        records += record
      }
    }
    return records
  }
}
