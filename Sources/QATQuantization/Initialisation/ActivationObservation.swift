import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// Runs the fp32 network on calibration batches and finds the range of what each activation quantizer will see.
///
/// Whole batches are dealt to the ranks in turn. What batches leave is folded in their order, and counts are added up, so that every rank gets the same
/// ranges for every number of ranks.
struct ActivationObservation {
  /// A quantizer whose range is looked for, and where its values lie.
  private struct Target {
    let point: QuantizationPoint
    let tensor: TensorName
    let layout: ObservedLayout
    let sampleCount: Int
  }

  private let graph: Graph
  private let batchSize: Int
  private var batchwise: [(target: Target, extremes: BatchExtremes)] = []
  private var searched: [(target: Target, quantiles: QuantileRange)] = []

  /// Prepares the observation of `points`.
  /// - Parameters:
  ///   - points: activation quantizers; those whose initializer takes no samples are passed over.
  ///   - graph: the fp32 network.
  ///   - initializers: how each finds its range, by id.
  ///   - available: number of samples that there are.
  ///   - batchSize: samples in a batch.
  /// - Throws: `QuantizationError` when the network has no such tensor.
  init(
    _ points: [QuantizationPoint], _ graph: Graph, _ initializers: [String: QuantizationConfiguration.RangeInitializer], available: Int,
    batchSize: Int
  ) throws {
    let types = try graph.tensorTypes()
    self.graph = graph
    self.batchSize = min(batchSize, available)
    for point in points {
      guard let initializer = initializers[point.id], initializer.sampleCount > 0 else { continue }
      guard let tensor = point.tensor(in: graph), let type = types[tensor] else {
        throw QuantizationError("quantizer '\(point.id)': the network has no tensor there")
      }
      let layout = ObservedLayout(
        shape: type.shape(batchSize: self.batchSize), axis: point.specification.channelAxis, samples: self.batchSize)
      let target = Target(
        point: point, tensor: tensor, layout: layout,
        sampleCount: min(roundedUp(initializer.sampleCount, toMultipleOf: batchSize), available))
      switch initializer.kind {
      case .minMax, .mixedMinMax, .meanMinMax, .meanPercentile:
        let isSymmetric = point.specification.mode == .symmetric
        batchwise.append((target, BatchExtremes(layout, initializer, isSymmetric: isSymmetric, batchSize: self.batchSize)))
      case .percentile, .threeSigma:
        searched.append((target, QuantileRange(layout, initializer)))
      }
    }
  }

  /// The range that each point found, by id.
  /// - Throws: `QuantizationError` naming the quantizer, the tensor and the sample of a value that is not finite.
  mutating func run(_ calibration: any BatchSource, _ communicator: any Communicator) throws -> [String: Extremes] {
    guard !batchwise.isEmpty || !searched.isEmpty else { return [:] }
    let plan = try communicator.together {
      let tensors = Set(batchwise.map(\.target.tensor) + searched.map(\.target.tensor))
      return try Plan(graph, state: try ModelState(graph), batchSize: batchSize, mode: .evaluation, passing: tensors.sorted())
    }
    let records = try sweep(plan, calibration, communicator, withRecords: true)
    var ranges = try folded(records, communicator)
    try endSweep(communicator)
    while searched.contains(where: { $0.quantiles.range == nil }) {
      _ = try sweep(plan, calibration, communicator, withRecords: false)
      try endSweep(communicator)
    }
    for (target, quantiles) in searched { ranges[target.point.id] = quantiles.range }
    return ranges
  }

  /// Adds up the counts of all ranks.
  private mutating func endSweep(_ communicator: any Communicator) throws {
    for index in searched.indices where searched[index].quantiles.range == nil {
      try searched[index].quantiles.withCounts { try communicator.allreduce($0, .sum) }
      searched[index].quantiles.endSweep()
    }
  }

  /// The samples of a batch that count for a target.
  private func samples(of target: Target, in batch: Int) -> Range<Int> {
    min(batch * batchSize, target.sampleCount)..<min((batch + 1) * batchSize, target.sampleCount)
  }

  /// Runs the batches rank, rank + size, rank + 2·size ... once. Every search that needs it counts.
  /// - Returns: the records of this rank's batches, one after the other, if asked for.
  private mutating func sweep(
    _ plan: Plan, _ calibration: any BatchSource, _ communicator: any Communicator, withRecords: Bool
  ) throws -> [Float] {
    let waiting = searched.indices.filter { searched[$0].quantiles.range == nil }
    let needed = (withRecords ? batchwise.map(\.target.sampleCount) : []) + waiting.map { searched[$0].target.sampleCount }
    let sampleCount = needed.max() ?? 0
    var records: [Float] = []
    let batchCount = (sampleCount + batchSize - 1) / batchSize
    try communicator.inRounds((batchCount + communicator.size - 1) / communicator.size) { round in
      let batch = round * communicator.size + communicator.rank
      guard batch < batchCount else { return }
      let range = batch * batchSize..<min((batch + 1) * batchSize, sampleCount)
      for input in graph.inputs {
        let memory = plan.input(input.name)
        try calibration.read(
          range, input: input.name, into: UnsafeMutableBufferPointer(rebasing: memory[..<(memory.count / batchSize * range.count)]))
      }
      records += try look(at: batch, plan, calibration, withRecords: withRecords, searching: waiting)
    }
    return records
  }

  /// Runs a batch, looks at each tensor while it is there, and lets the searches that wait count.
  /// - Returns: the records of the batch, if asked for, in the order of `batchwise`.
  /// - Throws: `QuantizationError` when a value is not finite.
  private mutating func look(
    at batch: Int, _ plan: Plan, _ calibration: any BatchSource, withRecords: Bool, searching waiting: [Int]
  ) throws(QuantizationError) -> [Float] {
    var records = [[Float]](repeating: [], count: batchwise.count)
    var fault: QuantizationError?
    let counters = Dictionary(grouping: waiting) { searched[$0].target.tensor }
    let recorders = withRecords ? Dictionary(grouping: batchwise.indices) { batchwise[$0].target.tensor } : [:]
    plan.forward { tensor, values in
      guard fault == nil else { return }
      do throws(QuantizationError) {
        for index in recorders[tensor] ?? [] {
          let (target, extremes) = batchwise[index]
          let counted = samples(of: target, in: batch)
          records[index] = extremes.record(try finite(values, of: target, counted, calibration), samples: counted.count)
        }
        for index in counters[tensor] ?? [] {
          let target = searched[index].target
          searched[index].quantiles.observe(try finite(values, of: target, samples(of: target, in: batch), calibration))
        }
      } catch { fault = error }
    }
    if let fault { throw fault }
    return records.flatMap { $0 }
  }

  /// The values of a target for some samples, which are the first of a batch whose values are given.
  /// - Throws: `QuantizationError` when one of them is not finite.
  private func finite(
    _ batch: UnsafeBufferPointer<Float>, of target: Target, _ samples: Range<Int>, _ calibration: any BatchSource
  ) throws(QuantizationError) -> UnsafeBufferPointer<Float> {
    let values = target.layout.values(of: 0..<samples.count, in: batch)
    if let found = NonFiniteValue(in: values) {
      throw QuantizationError(
        "quantizer '\(target.point.id)': the tensor '\(target.tensor)' holds the value \(found.value) for "
          + "\(calibration.name(of: samples.lowerBound + found.index / target.layout.sampleSize)), so it has no range. "
          + "Check the model's weights and the data's normalisation")
    }
    return values
  }

  /// Gathers the records of all ranks and folds each target's in the order of the batches.
  private func folded(_ own: [Float], _ communicator: any Communicator) throws -> [String: Extremes] {
    let all = try communicator.allgather(own.withUnsafeBytes { Array($0) }).map { bytes in
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
    let length = batchwise.reduce(0) { $0 + $1.extremes.recordCount }
    var ranges: [String: Extremes] = [:]
    var offset = 0
    for (target, extremes) in batchwise {
      let batches = 0..<(target.sampleCount + batchSize - 1) / batchSize
      let records = batches.map { batch in
        all[batch % communicator.size][(batch / communicator.size * length + offset)...].prefix(extremes.recordCount)
      }
      ranges[target.point.id] = extremes.fold(records, samples: batches.map { samples(of: target, in: $0).count })
      offset += extremes.recordCount
    }
    return ranges
  }
}
