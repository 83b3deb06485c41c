import Foundation
import QAT

/// How fast training steps are.
struct BenchReport {
  var stepSeconds: Double
  /// Of each step, the time in which a rank has nothing left to compute and waits for the others and the network.
  var exposedSeconds: Double
  var imagesPerSecond: Double
  var peakMemory: Int
  var rankCount: Int
  var threadCount: Int

  /// The medians of the slowest rank, and the largest memory of a rank.
  init(seconds: [Double], exposed: [Double], batchSize: Int, _ communicator: any Communicator) throws {
    var worst = [Self.median(seconds), Self.median(exposed), Double(Self.peakMemory)]
    try worst.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
    stepSeconds = worst[0]
    exposedSeconds = worst[1]
    peakMemory = Int(worst[2])
    rankCount = communicator.size
    imagesPerSecond = Double(batchSize * communicator.size) / worst[0]
    threadCount = EngineEnvironment.threadCount
  }

  var json: JSONValue {
    [
      "images_per_second": .number(imagesPerSecond), "step_seconds": .number(stepSeconds),
      "exposed_seconds": .number(exposedSeconds), "peak_memory_bytes": .integer(peakMemory),
      "ranks": .integer(rankCount), "threads": .integer(threadCount), "environment": .string(EngineEnvironment.description),
    ]
  }

  var text: String {
    """
    images a second  \(Numbers.fixed(imagesPerSecond, 2))
    step             \(Numbers.fixed(stepSeconds * 1000, 2)) ms (median)\(rankCount > 1 ? ", of which \(Numbers.fixed(exposedSeconds * 1000, 2)) ms waiting for others" : "")
    peak memory      \(Numbers.bytes(peakMemory)) a rank
    ranks, threads   \(rankCount), \(threadCount) a rank
    """
  }

  private static func median(_ values: [Double]) -> Double {
    let ordered = values.sorted()
    let middle = ordered.count / 2
    return ordered.count % 2 == 0 ? (ordered[middle - 1] + ordered[middle]) / 2 : ordered[middle]
  }

  /// The most memory that this process has had resident, in bytes.
  private static var peakMemory: Int {
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
