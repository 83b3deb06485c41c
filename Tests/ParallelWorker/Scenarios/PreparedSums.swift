import QATCommunication
import QATTensor

/// Prepared sums of several lengths, started again and again, polled between, completed in another order than started.
@Sendable func preparedSumsScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let buffers = [1, 0, 1000, 300_000].map { AlignedBuffer<Float>(count: $0) }
  let sums = try buffers.map { try communicator.preparedSum(of: $0.elements) }
  communicator.say("never started: \(try sums.allSatisfy { try $0.poll() })")
  for step in 1...4 {
    for buffer in buffers {
      for index in 0..<buffer.count { buffer[index] = Float((communicator.rank + 1) * step * (index % 100 + 1)) }
    }
    for sum in sums { try sum.start() }
    if step % 2 == 0 {
      while try !sums.allSatisfy({ try $0.poll() }) {}
    } else {
      _ = try sums[3].poll()
    }
    for sum in sums.reversed() { try sum.wait() }
    let factor = communicator.size * (communicator.size + 1) / 2 * step
    for buffer in buffers {
      for index in 0..<buffer.count where buffer[index] != Float(factor * (index % 100 + 1)) {
        throw ScenarioError("step \(step): element \(index) of \(buffer.count) is \(buffer[index])")
      }
    }
    communicator.say("step \(step): \(buffers[0][0]) \(buffers[3][299_999])")
  }
}
