import QAT

/// How fast steps are.
struct BenchReport {
  /// What one rank measures.
  struct Measurements {
    /// Seconds of each step.
    var steps: [Double] = []
    /// In each step, the seconds in which the rank had nothing left to do but wait for others and the network.
    var exposed: [Double] = []
    /// Seconds of each step without communication; none where there are no such steps.
    var stepsAlone: [Double] = []
    /// Seconds from the process's start to the beginning of its first step; nil where the system does not say.
    var startup: Double?
    /// Bytes of resident memory that were added while steps were timed; nil where the system does not say.
    var memoryGrowth: Int?
  }

  let stepSeconds: Double
  let exposedSeconds: Double
  let startupSeconds: Double?
  let memoryGrowth: Int?
  let imagesPerSecond: Double
  /// What all ranks together reach beside each other without communication; nil where that was not timed.
  let imagesPerSecondAlone: Double?
  let peakMemory: Int
  let memory: MemoryReport?
  let rankCount: Int
  let threadCount: Int

  /// The median step of the slowest rank, the median wait of the one that waits longest, and of everything else the most of a rank. All ranks call it together.
  /// - Throws: the communicator's error.
  /// - Parameters:
  ///   - own: what this rank has measured.
  ///   - sampleCount: samples of a step over all ranks.
  ///   - memory: what training takes by count; nil in evaluation.
  ///   - communicator: the ranks.
  init(_ own: Measurements, sampleCount: Int, memory: MemoryReport?, _ communicator: any Communicator) throws {
    var worst = [
      Self.median(own.steps), Self.median(own.exposed), own.startup ?? -1, Double(own.memoryGrowth ?? .min), Double(ProcessFacts.peakMemory),
    ]
    try worst.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
    stepSeconds = worst[0]
    exposedSeconds = worst[1]
    startupSeconds = own.startup == nil ? nil : worst[2]
    memoryGrowth = own.memoryGrowth == nil ? nil : Int(worst[3])
    peakMemory = Int(worst[4])
    self.memory = memory
    rankCount = communicator.size
    imagesPerSecond = Double(sampleCount) / worst[0]
    if own.stepsAlone.isEmpty {
      imagesPerSecondAlone = nil
    } else {
      var rates = [Double(sampleCount) / Double(communicator.size) / Self.median(own.stepsAlone)]
      try rates.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .sum) }
      imagesPerSecondAlone = rates[0]
    }
    threadCount = EngineEnvironment.threadCount
  }

  /// The share of the speed without communication that is left with it.
  private var efficiency: Double? { imagesPerSecondAlone.map { imagesPerSecond / $0 } }

  var json: JSONValue {
    [
      "images_per_second": .number(imagesPerSecond), "step_seconds": .number(stepSeconds), "exposed_communication_seconds": .number(exposedSeconds),
      "images_per_second_alone": imagesPerSecondAlone.map(JSONValue.number) ?? .null, "efficiency": efficiency.map(JSONValue.number) ?? .null,
      "startup_seconds": startupSeconds.map(JSONValue.number) ?? .null, "peak_memory_bytes": .integer(peakMemory),
      "memory_growth_bytes": memoryGrowth.map(JSONValue.integer) ?? .null, "memory": memory?.json ?? .null,
      "ranks": .integer(rankCount), "threads": .integer(threadCount),
      "environment": .string(EngineEnvironment.description),
    ]
  }

  var text: String {
    """
    images a second  \(Numbers.fixed(imagesPerSecond, 2))
    step             \(Numbers.fixed(stepSeconds * 1000, 2)) ms (median)
    of it exposed    \(Numbers.fixed(exposedSeconds * 1000, 2)) ms of communication (median)\(beside)
    start-up         \(startupSeconds.map { "\(Numbers.fixed($0, 2)) s" } ?? "unknown") from the process's start to its first step
    peak memory      \(Numbers.bytes(peakMemory)) a rank
    memory growth    \(memoryGrowth.map { "\(Numbers.grouped($0)) bytes" } ?? "unknown") while steps were timed\(counted)
    ranks, threads   \(rankCount), \(threadCount) a rank
    """
  }

  private var beside: String {
    guard let imagesPerSecondAlone, let efficiency else { return "" }
    return
      "\nefficiency       \(Numbers.percent(efficiency)) of \(Numbers.fixed(imagesPerSecondAlone, 2)) images a second beside each other without communication"
  }

  private var counted: String { (memory?.lines(titleWidth: 17) ?? []).map { "\n" + $0 }.joined() }

  private static func median(_ values: [Double]) -> Double {
    let ordered = values.sorted()
    return (ordered[(ordered.count - 1) / 2] + ordered[ordered.count / 2]) / 2
  }
}
