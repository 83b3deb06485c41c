import Foundation
import QAT

/// How fast training steps are.
struct BenchReport {
  var stepSeconds: Double
  var imagesPerSecond: Double
  var peakMemory: Int
  var rankCount: Int
  var threadCount: Int

  /// The median step of the slowest rank, and the largest memory of a rank.
  init(seconds: [Double], batchSize: Int, _ communicator: any Communicator) throws {
    let ordered = seconds.sorted()
    var worst = [ordered[ordered.count / 2], Double(Self.peakMemory)]
    if ordered.count % 2 == 0 { worst[0] = (ordered[ordered.count / 2 - 1] + ordered[ordered.count / 2]) / 2 }
    try worst.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
    stepSeconds = worst[0]
    peakMemory = Int(worst[1])
    rankCount = communicator.size
    imagesPerSecond = Double(batchSize * communicator.size) / worst[0]
    threadCount = EngineEnvironment.threadCount
  }

  var json: JSONValue {
    [
      "images_per_second": .number(imagesPerSecond), "step_seconds": .number(stepSeconds), "peak_memory_bytes": .integer(peakMemory),
      "ranks": .integer(rankCount), "threads": .integer(threadCount), "environment": .string(EngineEnvironment.description),
    ]
  }

  var text: String {
    """
    images a second  \(Numbers.fixed(imagesPerSecond, 2))
    step             \(Numbers.fixed(stepSeconds * 1000, 2)) ms (median)
    peak memory      \(Numbers.bytes(peakMemory)) a rank
    ranks, threads   \(rankCount), \(threadCount) a rank
    """
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
