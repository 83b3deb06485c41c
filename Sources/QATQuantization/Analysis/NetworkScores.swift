import QATCommunication
import QATEngine
import QATGraph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a network's first output says of each sample.
struct NetworkScores {
  /// Values of one sample.
  let width: Int
  /// The values, sample by sample.
  let values: [Float]

  /// Runs the network on all samples. All ranks call it together and get the same.
  init(of graph: Graph, _ samples: any BatchSource, batchSize: Int, _ communicator: any Communicator) throws {
    let records = BatchRecords(samples, batchSize: batchSize, communicator)
    let plan = try communicator.together { try Plan(graph, state: try ModelState(graph), batchSize: records.batchSize, mode: .evaluation) }
    let output = graph.outputs[0]
    let width = plan.output(output).count / records.batchSize
    self.width = width
    values = try records.run([(plan, graph.inputs)]) { count in Array(plan.output(output).prefix(count * width)) }
  }

  private func row(_ sample: Int) -> ArraySlice<Float> { values[sample * width..<(sample + 1) * width] }

  /// The highest value's index in each sample; the first of equals.
  var classes: [Int] {
    (0..<values.count / max(width, 1)).map { sample in
      let row = row(sample)
      return row.indices.reduce(row.startIndex) { row[$1] > row[$0] ? $1 : $0 } - row.startIndex
    }
  }

  /// The fraction of samples whose highest value is at the same place as another network's.
  func agreement(with other: NetworkScores) -> Double { fraction(zip(classes, other.classes).count { $0 == $1 }) }

  /// The fraction of samples whose highest value is that of their class.
  func top1(_ labels: [Int32]) -> Double { fraction(zip(classes, labels).count { $0 == Int($1) }) }

  /// The mean cross-entropy of the softmax, in nats.
  func loss(_ labels: [Int32]) -> Double {
    var sum = 0.0
    for (sample, label) in labels.enumerated() {
      let row = row(sample).map(Double.init)
      let largest = row.max() ?? 0
      sum += largest + log(row.reduce(0) { $0 + exp($1 - largest) }) - row[Int(label)]
    }
    return sum / Double(max(labels.count, 1))
  }

  /// How far the values are from those of the exact network.
  func noise(from exact: NetworkScores) -> SignalToNoise {
    var result = SignalToNoise()
    for (value, exact) in zip(values, exact.values) { result.add(exact, became: value) }
    return result
  }

  private func fraction(_ count: Int) -> Double { Double(count) / Double(max(values.count / max(width, 1), 1)) }
}
