import Foundation
import QAT

/// How fast training steps are.
struct BenchReport {
  var stepSeconds: Double
  /// The part of a step in which a rank has nothing left to do but wait for others and the network.
  var exposedSeconds: Double
  var imagesPerSecond: Double
  var peakMemory: Int
  var memory: MemoryReport
  var rankCount: Int
  var threadCount: Int

  /// The median step of the slowest rank, the median wait of the one that waits longest, and the largest memory of a rank.
  init(seconds: [Double], exposedSeconds: [Double], sampleCount: Int, _ memory: MemoryReport, _ communicator: any Communicator) throws {
    var worst = [Self.median(seconds), Self.median(exposedSeconds), Double(Self.peakMemory)]
    try worst.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
    stepSeconds = worst[0]
    self.exposedSeconds = worst[1]
    peakMemory = Int(worst[2])
    self.memory = memory
    rankCount = communicator.size
    imagesPerSecond = Double(sampleCount) / worst[0]
    threadCount = EngineEnvironment.threadCount
  }

  var json: JSONValue {
    [
      "images_per_second": .number(imagesPerSecond), "step_seconds": .number(stepSeconds),
      "exposed_communication_seconds": .number(exposedSeconds), "peak_memory_bytes": .integer(peakMemory), "memory": memory.json,
      "ranks": .integer(rankCount), "threads": .integer(threadCount), "environment": .string(EngineEnvironment.description),
    ]
  }

  var text: String {
    """
    images a second  \(Numbers.fixed(imagesPerSecond, 2))
    step             \(Numbers.fixed(stepSeconds * 1000, 2)) ms (median)
    of it exposed    \(Numbers.fixed(exposedSeconds * 1000, 2)) ms of communication (median)
    peak memory      \(Numbers.bytes(peakMemory)) a rank
    \(memory.lines(titleWidth: 17).joined(separator: "\n"))
    ranks, threads   \(rankCount), \(threadCount) a rank
    """
  }

  private static func median(_ values: [Double]) -> Double {
    let ordered = values.sorted()
    return (ordered[(ordered.count - 1) / 2] + ordered[ordered.count / 2]) / 2
  }

  /// The most memory that this process has had resident, in bytes.
  static var peakMemory: Int {
    var usage = rusage()
    #if os(Linux)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss * 1024
    #else
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #endif
  }
}
