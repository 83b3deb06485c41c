import QATCommunication
import QATData
import QATEngine
import Testing

@testable import QATTraining

@Suite struct GradientBucketsTests {
  @Test(arguments: [0, 1, 15, 262_144, 262_145, 300_000, 327_680, 1_000_000, 2_500_000, 11_689_512]) func holdEveryElementOnce(parameters: Int) throws
  {
    let buckets = GradientBuckets(parameterCount: parameters, trailingCount: 4816)
    #expect(buckets.ranges.first?.lowerBound == 0)
    #expect(buckets.ranges.last?.upperBound == parameters + 4816)
    for (range, next) in zip(buckets.ranges, buckets.ranges.dropFirst()) { #expect(range.upperBound == next.lowerBound) }
    #expect(buckets.ranges.allSatisfy { !$0.isEmpty })
    let last = try #require(buckets.ranges.last)
    #expect(last.lowerBound <= parameters)
  }

  @Test func beginSmallGoOnLargeAndHalveTowardsTheEnd() throws {
    let sizes = GradientBuckets(parameterCount: 11_689_512, trailingCount: 16).ranges.map(\.count)
    #expect(sizes.first == 262_144)
    #expect(sizes[1...4].allSatisfy { $0 == 2_097_152 })
    #expect(sizes[5...] == [1519376, 759680, 379840, 189920, 124400, 65560])
  }
}

@Suite struct GradientReducerTests {
  /// Two ranks of which the other always holds the same values, and a record of what was asked in which order.
  final class Twin: Communicator {
    final class Sum: PreparedCollective {
      let values: UnsafeMutableBufferPointer<Float>
      let number: Int
      unowned let twin: Twin
      init(_ values: UnsafeMutableBufferPointer<Float>, _ number: Int, _ twin: Twin) {
        self.values = values
        self.number = number
        self.twin = twin
      }
      var remaining = 0
      func start() throws {
        twin.events.append("start \(number)")
        remaining = twin.slowness
        for index in values.indices { values[index] *= 2 }
      }
      func poll() throws -> Bool {
        if let error = twin.failure { throw error }
        if remaining == 0 { return true }
        remaining -= 1
        if remaining == 0 { twin.events.append("end \(number)") }
        return remaining == 0
      }
      func wait() throws { while try !poll() {} }
    }
    let rank = 0
    let size = 2
    var events: [String] = []
    /// How often a sum must be polled.
    var slowness = 5
    var failure: TrainingError?
    var prepared = 0
    func allreduce(_ values: UnsafeMutableBufferPointer<Float>, _ reduction: Reduction) {}
    func allreduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction) {}
    func allreduce(_ values: UnsafeMutableBufferPointer<Int64>, _ reduction: Reduction) {}
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
    func allgather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes, bytes] }
    func allgather(_ values: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) {}
    func barrier() {}
    func preparedSum(of values: UnsafeMutableBufferPointer<Float>) -> any PreparedCollective {
      prepared += 1
      return Sum(values, prepared - 1, self)
    }
    func preparedExchange(
      of source: UnsafeRawBufferPointer, parts: [Range<Int>], into destination: UnsafeMutableRawBufferPointer, places: [Range<Int>]
    ) -> any PreparedCollective { SingleProcess().preparedExchange(of: source, parts: parts, into: destination, places: places) }
    func preparedGather(in bytes: UnsafeMutableRawBufferPointer, parts: [Range<Int>]) -> any PreparedCollective {
      SingleProcess().preparedGather(in: bytes, parts: parts)
    }
    func abort(exitCode: Int32) -> Never { fatalError("abort \(exitCode)") }
  }

  func make() throws -> (ModelState, Twin, GradientReducer) {
    let state = try ModelState(linearGraph(inputs: 30, classes: 4))
    let twin = Twin()
    let cut = GradientBuckets(parameterCount: 124, trailingCount: ModelState.trailerCount, first: 32, middle: 48, last: 16)
    return (state, twin, try GradientReducer(state, communicator: twin, buckets: cut))
  }

  @Test func startsBucketsWhenTheyAreCompleteAndTheLastAtTheEnd() throws {
    let (state, twin, reducer) = try make()
    #expect(reducer.buckets.ranges == [0..<32, 32..<64, 64..<80, 80..<96, 96..<124 + ModelState.trailerCount])
    for step in 0..<2 {
      twin.events = []
      for index in 0..<124 { state.gradients[index] = Float(index) }
      state.trailer[0] = 5
      reducer.advance(to: 31)
      #expect(twin.events.isEmpty)
      reducer.advance(to: 80)
      #expect(twin.events == ["start 0", "start 1", "start 2"], "step \(step)")
      reducer.advance(to: 124)
      #expect(twin.events == ["start 0", "start 1", "start 2", "start 3"])
      try reducer.finish()
      #expect(twin.events.suffix(6) == ["start 4", "end 0", "end 1", "end 2", "end 3", "end 4"])
      #expect((0..<124).allSatisfy { state.gradients[$0] == 2 * Float($0) })
      #expect(state.trailer[0] == 10)
    }
    #expect(twin.prepared == 5)
  }

  @Test func doesNotWaitForWhatPollingHasFinished() throws {
    let (_, twin, reducer) = try make()
    twin.slowness = 1
    reducer.advance(to: 124)
    try reducer.finish()
    #expect(twin.events == ["start 0", "start 1", "start 2", "start 3", "end 0", "end 1", "end 2", "end 3", "start 4", "end 4"])
  }

  @Test func reportsAnErrorOfThePoll() throws {
    let (_, twin, reducer) = try make()
    twin.failure = TrainingError(.mismatch, "the link is down")
    reducer.advance(to: 124)
    reducer.advance(to: 124)
    #expect(throws: TrainingError(.mismatch, "the link is down")) { try reducer.finish() }
  }

  @Test func exchangesNothingBeforeTheLastMicroBatch() throws {
    let state = try ModelState(linearGraph(inputs: 30, classes: 4))
    let twin = Twin()
    let partition = BatchPartition(microBatchSize: 1, accumulationSteps: 3, rank: 0, rankCount: 2)
    let cut = GradientBuckets(parameterCount: 124, trailingCount: ModelState.trailerCount, first: 32, middle: 48, last: 16)
    let reducer = try GradientReducer(state, communicator: twin, partition: partition, buckets: cut)
    for _ in 0..<2 {
      twin.events = []
      for microBatch in 0..<3 {
        for index in 0..<state.reduced.count { state.reduced[index] = Float(index * (microBatch + 1)) }
        reducer.advance(to: 124)
        #expect(twin.events.isEmpty == (microBatch < 2))
        #expect(try reducer.finish() == (microBatch == 2))
      }
      #expect((0..<state.reduced.count).allSatisfy { state.reduced[$0] == 12 * Float($0) })
    }
  }

  @Test func oneProcessAddsUpItsMicroBatches() throws {
    let state = try ModelState(linearGraph(inputs: 30, classes: 4))
    let reducer = try GradientReducer(
      state, communicator: SingleProcess(), partition: BatchPartition(microBatchSize: 1, accumulationSteps: 5))
    for _ in 0..<2 {
      for microBatch in 0..<5 {
        for index in 0..<state.reduced.count { state.reduced[index] = Float(index + microBatch) }
        #expect(try reducer.finish() == (microBatch == 4))
      }
      #expect((0..<state.reduced.count).allSatisfy { state.reduced[$0] == Float(5 * $0 + 10) })
    }
  }

  @Test(arguments: ["", "1024", "1024,8192", "1024,8192,256,1", "0,8192,256", "a,b,c", "-1,8,8", "1024,8192,", "1024,2000000,256"])
  func refusesSizesOfBucketsThatCannotBe(text: String) throws {
    let state = try ModelState(linearGraph(inputs: 30, classes: 4))
    #expect { try GradientBuckets(state, environment: ["QAT_BUCKET_KIB": text]) } throws: { "\($0)".contains("QAT_BUCKET_KIB is '\(text)'") }
  }

  @Test func takesTheSizesOfBucketsFromTheEnvironment() throws {
    let state = try ModelState(linearGraph(inputs: 3000, classes: 4))
    let ranges = try GradientBuckets(state, environment: ["QAT_BUCKET_KIB": "1,16,2"]).ranges
    // 12,004 gradients; at most 512 of them in the last bucket, which begins on a cache line.
    #expect(ranges == [0..<256, 256..<4352, 4352..<8176, 8176..<10_080, 10_080..<11_488, 11_488..<12_004 + ModelState.trailerCount])
    #expect(try GradientBuckets(state, environment: [:]).ranges == GradientBuckets(state, environment: ["QAT_BUCKET_KIB": "1024,8192,256"]).ranges)
  }

  @Test func oneProcessExchangesNothing() throws {
    let state = try ModelState(linearGraph(inputs: 3, classes: 2))
    state.gradients[0] = 7
    let reducer = try GradientReducer(state, communicator: SingleProcess())
    reducer.advance(to: 8)
    try reducer.finish()
    #expect(state.gradients[0] == 7)
  }
}
