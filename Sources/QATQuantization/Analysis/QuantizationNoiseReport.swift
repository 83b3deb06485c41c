import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// What quantization does to the values of a network: of each quantizer its noise and what it clips, of each layer how far its result is from that of the
/// network without quantizers.
public struct QuantizationNoiseReport: Sendable, Hashable {
  /// What one quantizer does to the values that it reads.
  public struct Quantizer: Sendable, Hashable {
    /// The values and the error of rounding and clipping them.
    public var noise = SignalToNoise()
    /// Number of values.
    public var count = 0
    /// Values beyond the bounds by more than half a step, which a wider range would have kept better.
    public var clippedCount = 0
    /// Fraction of the values beyond the bounds.
    public var clippedShare: Double { Double(clippedCount) / Double(max(count, 1)) }
  }

  /// Number of samples.
  public var sampleCount = 0
  /// By the quantizers' ids. Activation quantizers are missing where there are no samples.
  public var quantizers: [String: Quantizer] = [:]
  /// By the layers' names: the result in the quantized network beside that in the network without quantizers, which holds the noise of all layers before.
  public var layers: [String: SignalToNoise] = [:]
  /// Fraction of samples of which both networks say the same class; nil without samples.
  public var agreement: Double?
  /// The first output's noise.
  public var output = SignalToNoise()

  /// Values that the plans keep readable at once, at most.
  private static let observedLimit = 1 << 26

  /// Measures a quantized network. All ranks call it together and get the same bytes, for every number of ranks.
  /// - Parameters:
  ///   - graph: the quantized network.
  ///   - float: the same network and values without quantizers.
  ///   - names: the operators whose results are compared.
  ///   - samples: the samples; nil measures weights only.
  ///   - communicator: the ranks.
  /// - Throws: what the engine, the samples or the communicator throw.
  public init(
    of graph: Graph, float: Graph, layers names: [String], samples: (any BatchSource)?, communicator: any Communicator
  ) throws {
    for node in graph.nodes {
      guard let meter = QuantizerMeter(node, graph), let weight = graph.tensor(node.inputs[0]), let values = weight.floats else { continue }
      quantizers[node.name] = values.withUnsafeBufferPointer { meter.measure($0, shape: weight.shape) }
    }
    guard let samples, samples.sampleCount > 0 else { return }
    let types = try graph.tensorTypes()
    let meters = graph.nodes.compactMap { node in graph.constants[node.inputs[0]] == nil ? QuantizerMeter(node, graph) : nil }
    let results = names.compactMap { name in
      graph.node(named: name).flatMap { node in float.node(named: name).map { (name, quantized: node.outputs[0], float: $0.outputs[0]) } }
    }
    let observed = Array(Set(meters.map(\.input) + results.map(\.quantized)))
    let elements = (observed + results.map(\.float)).reduce(0) { $0 + (types[$1]?.elementCount(batchSize: 1) ?? 0) }
    let records = BatchRecords(samples, batchSize: max(1, min(calibrationBatchSize, Self.observedLimit / max(elements, 1))), communicator)
    let size = records.batchSize
    let (plan, exact) = try communicator.together {
      (
        try Plan(graph, state: try ModelState(graph), batchSize: size, mode: .evaluation, observed: observed),
        try Plan(float, state: try ModelState(float), batchSize: size, mode: .evaluation, observed: Array(Set(results.map(\.float))))
      )
    }
    let shapes = meters.map { types[$0.input]?.shape(batchSize: size) ?? [] }
    let all = try records.run([(plan, graph.inputs), (exact, float.inputs)]) { count -> [BatchNoise] in
      func part(_ values: UnsafeBufferPointer<Float>) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: values[..<(values.count / size * count)])
      }
      let ofQuantizers = zip(meters, shapes).map { meter, shape in
        BatchNoise(meter.measure(part(plan.output(meter.input)), shape: [count] + shape.dropFirst()))
      }
      let ofLayers = results.map { BatchNoise(part(plan.output($0.quantized)), from: part(exact.output($0.float))) }
      let outputs = (part(plan.output(graph.outputs[0])), part(exact.output(float.outputs[0])))
      var last = BatchNoise(outputs.0, from: outputs.1)
      last.agreeing = agreeingSamples(outputs.0, outputs.1, samples: count)
      return ofQuantizers + ofLayers + [last]
    }
    let length = meters.count + results.count + 1
    var agreeing = 0
    for (index, record) in all.enumerated() {
      let place = index % length
      if place < meters.count {
        quantizers[meters[place].id, default: Quantizer()].add(record)
      } else if place < length - 1 {
        self.layers[results[place - meters.count].0, default: SignalToNoise()].add(record.noise)
      } else {
        output.add(record.noise)
        agreeing += record.agreeing
      }
    }
    sampleCount = samples.sampleCount
    agreement = Double(agreeing) / Double(sampleCount)
  }
}

/// What a batch leaves of one tensor.
private struct BatchNoise: BitwiseCopyable {
  var noise = SignalToNoise()
  var count = 0
  var clippedCount = 0
  var agreeing = 0

  init(_ quantizer: QuantizationNoiseReport.Quantizer) {
    (noise, count, clippedCount) = (quantizer.noise, quantizer.count, quantizer.clippedCount)
  }

  init(_ values: UnsafeBufferPointer<Float>, from exact: UnsafeBufferPointer<Float>) {
    for (value, exact) in zip(values, exact) { noise.add(exact, became: value) }
  }
}

extension QuantizationNoiseReport.Quantizer {
  fileprivate mutating func add(_ record: BatchNoise) {
    noise.add(record.noise)
    count += record.count
    clippedCount += record.clippedCount
  }
}

/// The number of samples whose highest value is at the same place in both outputs.
private func agreeingSamples(_ first: UnsafeBufferPointer<Float>, _ second: UnsafeBufferPointer<Float>, samples: Int) -> Int {
  let width = first.count / samples
  func highest(_ values: UnsafeBufferPointer<Float>, _ sample: Int) -> Int {
    let row = values[sample * width..<(sample + 1) * width]
    return row.indices.reduce(row.startIndex) { row[$1] > row[$0] ? $1 : $0 } - row.startIndex
  }
  return (0..<samples).count { highest(first, $0) == highest(second, $0) }
}
