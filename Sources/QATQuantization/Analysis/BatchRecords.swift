import QATCommunication
import QATEngine
import QATGraph

/// Runs whole batches of samples, dealt to the ranks in turn, and gathers what each leaves, in the order of the batches: every rank gets the same numbers, for
/// every number of ranks.
struct BatchRecords {
  let samples: any BatchSource
  let communicator: any Communicator
  let batchSize: Int

  /// - Parameters:
  ///   - samples: the samples.
  ///   - batchSize: samples in a batch; fewer when there are not so many.
  ///   - communicator: the ranks.
  init(_ samples: any BatchSource, batchSize: Int, _ communicator: any Communicator) {
    self.samples = samples
    self.communicator = communicator
    self.batchSize = max(1, min(batchSize, samples.sampleCount))
  }

  /// Runs plans of one batch size on every sample. All ranks call it together.
  /// - Parameters:
  ///   - plans: networks with the same inputs.
  ///   - record: what a batch leaves; `count` of its samples are new, the first ones.
  /// - Returns: the records of all batches.
  /// - Throws: what the samples or the communicator throw.
  func run<Value: BitwiseCopyable>(_ plans: [(plan: Plan, inputs: [Graph.Input])], record: (_ count: Int) -> [Value]) throws -> [Value] {
    let batchCount = (samples.sampleCount + batchSize - 1) / batchSize
    var own: [Value] = []
    var lengths: [Int32] = []
    try communicator.inRounds((batchCount + communicator.size - 1) / communicator.size) { round in
      let batch = round * communicator.size + communicator.rank
      guard batch < batchCount else { return }
      let range = batch * batchSize..<min((batch + 1) * batchSize, samples.sampleCount)
      for (plan, inputs) in plans {
        for input in inputs {
          let memory = plan.input(input.name)
          try samples.read(
            range, input: input.name, into: UnsafeMutableBufferPointer(rebasing: memory[..<(memory.count / batchSize * range.count)]))
        }
        plan.forward()
      }
      let values = record(range.count)
      own += values
      lengths.append(Int32(values.count))
    }
    let all = try gathered(own)
    let allLengths = try gathered(lengths)
    var result: [Value] = []
    var starts = [Int](repeating: 0, count: communicator.size)
    for batch in 0..<batchCount {
      let (rank, place) = (batch % communicator.size, batch / communicator.size)
      let length = Int(allLengths[rank][place])
      result += all[rank][starts[rank]..<starts[rank] + length]
      starts[rank] += length
    }
    return result
  }

  private func gathered<Value: BitwiseCopyable>(_ values: [Value]) throws -> [[Value]] {
    try communicator.allgather(values.withUnsafeBytes { Array($0) }).map { bytes in
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Value.self)) }
    }
  }
}
