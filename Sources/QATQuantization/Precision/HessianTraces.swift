import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// Average Hessian traces of weights: for each the trace of its block of the loss's second derivatives, over its number of elements.
struct HessianTraces: Sendable, Hashable {
  /// By the weight's name.
  var average: [TensorName: Double]
  /// How the measurement ended; nil for traces from a file.
  var progress: HessianProgress?
}

/// Measures Hessian traces by Hutchinson's method: with a vector v of random signs, v·Hv has the trace of H as its mean.
///
/// Hv is a central difference of gradients, (g(w + Dv) − g(w − Dv)) / 2. D moves the elements of each weight by ε = 2⁻⁸ of their root mean square: the cube root
/// of float32's rounding unit, where the error of the difference, which grows as ε², meets that of the gradients' rounding, which grows as 1/ε. Each weight's
/// share of v·HDv is divided by its own ε. Kinks of activations within reach of the step count as the curvature that the step feels.
///
/// Batches are dealt to ranks; what they leave is added up in double precision in the order of probes and batches, so that every rank gets the same traces for
/// every number of ranks. References: Hutchinson 1990; Dong et al. 2019, arXiv:1911.03852.
struct HessianTraceMeasurement {
  private let graph: Graph
  private let weights: [TensorName]
  private let settings: QuantizationConfiguration.HAWQ
  private let task: PrecisionTask
  private let calibration: any BatchSource
  private let communicator: any Communicator
  private let batchSize: Int
  private let batchCount: Int

  /// Prepares the measurement.
  /// - Parameters:
  ///   - weights: the weights; duplicates count once.
  ///   - graph: the fp32 network.
  ///   - settings: how many samples and probes.
  ///   - task: the loss, and who hears of the progress.
  ///   - calibration: samples with targets.
  ///   - batchSize: samples in a batch, on whichever rank.
  ///   - communicator: the ranks.
  init(
    of weights: [TensorName], in graph: Graph, _ settings: QuantizationConfiguration.HAWQ, _ task: PrecisionTask, _ calibration: any BatchSource,
    batchSize: Int, _ communicator: any Communicator
  ) {
    var seen = Set<TensorName>()
    self.weights = weights.filter { seen.insert($0).inserted }
    self.graph = graph.prepared(forCurvatureOf: seen)
    self.settings = settings
    self.task = task
    self.calibration = calibration
    self.communicator = communicator
    let available = min(roundedUp(settings.sampleCount, toMultipleOf: batchSize), calibration.sampleCount)
    self.batchSize = max(1, min(batchSize, available))
    batchCount = available / self.batchSize
  }

  /// Takes probes until the mean is settled or there are enough.
  /// - Throws: `QuantizationError` when a sample has no target or a derivative is not finite; what the samples, the engine or the communicator throw.
  func run() throws -> HessianTraces {
    guard batchCount > 0 else { throw QuantizationError("HAWQ measures the curvature of the loss on samples, and there are none") }
    let probe = try communicator.together { try CurvatureProbe(graph, weights, batchSize: batchSize, sampleCount: batchCount * batchSize, task) }
    var sums = [Double](repeating: 0, count: weights.count)
    var progress = HessianProgress(probes: 0, limit: settings.probeCount, total: 0, change: .infinity, hasConverged: false)
    // As many probes at once as give every rank a batch. Those behind the last one that counts are thrown away.
    let window = (communicator.size + batchCount - 1) / batchCount
    while progress.probes < settings.probeCount, !progress.hasConverged {
      let probes = progress.probes..<min(progress.probes + window, settings.probeCount)
      for traces in try measure(probes, probe) where !progress.hasConverged {
        for index in sums.indices { sums[index] += traces[index] }
        advance(&progress, sums)
        task.progress(progress)
      }
    }
    let averages = sums.map { $0 / Double(progress.probes) }
    return HessianTraces(average: Dictionary(uniqueKeysWithValues: zip(weights, averages)), progress: progress)
  }

  /// Counts a probe. Source: NNCF 2.14, whose measure of convergence this is.
  private func advance(_ progress: inout HessianProgress, _ sums: [Double]) {
    progress.probes += 1
    let total = sums.reduce(0, +) / Double(progress.probes)
    if progress.probes > 1 {
      progress.change = abs(total - progress.total) / (abs(progress.total) + 1e-6)
      progress.hasConverged = progress.change < settings.tolerance
    }
    progress.total = total
  }

  /// The average trace of every weight by each of some probes.
  private func measure(_ probes: Range<Int>, _ probe: CurvatureProbe) throws -> [[Double]] {
    let (size, rank) = (communicator.size, communicator.rank)
    let itemCount = probes.count * batchCount
    var own: [Double] = []
    try communicator.inRounds((itemCount + size - 1) / size) { round in
      let item = round * size + rank
      guard item < itemCount else { return }
      let (index, batch) = item.quotientAndRemainder(dividingBy: batchCount)
      own += try probe.run(probes.lowerBound + index, on: batch, of: calibration)
    }
    let all = try communicator.allgather(own.withUnsafeBytes { Array($0) }).map { bytes in
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
    }
    return try probes.indices.map { index in
      var traces = [Double](repeating: 0, count: weights.count)
      for batch in 0..<batchCount {
        let item = (index - probes.lowerBound) * batchCount + batch
        let start = item / size * weights.count
        for weight in weights.indices { traces[weight] += all[item % size][start + weight] }
      }
      if let fault = traces.firstIndex(where: { !$0.isFinite }) {
        throw QuantizationError(
          "the curvature of the loss along the weight '\(weights[fault])' is not finite. Check the model's weights and the data's normalisation")
      }
      return zip(traces, probe.elementCounts).map { $0 / Double($1) }
    }
  }
}
