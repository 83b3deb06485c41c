import Foundation
import QAT

/// How fast ranks reach each other.
struct LinkMeasurement {
  /// Two ranks.
  struct Pair {
    var ranks: (Int, Int)
    /// Seconds that eight bytes take from one to the other.
    var latency: Double
    /// Bytes a second in each direction, both at the same time.
    var bandwidth: Double
  }

  /// A sum over all ranks as training makes them: in place, prepared once.
  struct Sum {
    var bytes: Int
    /// The median, on the slowest rank.
    var seconds: Double
    /// Bytes a second that each rank sends, if it sends no more than any sum must: 2 (p - 1) / p of the sum's.
    var bandwidth: Double
  }

  var pairs: [Pair]
  var sums: [Sum]

  /// Measures pairs one after the other (of more than eight ranks only those of neighbouring numbers), then sums of 64 KiB to 8 MiB.
  /// - Throws: the communicator's error.
  init(_ communicator: MPICommunicator) throws {
    let size = communicator.size
    let all = size > 8 ? (1..<size).map { ($0 - 1, $0) } : (0..<size).flatMap { first in (first + 1..<size).map { (first, $0) } }
    var numbers: [Double] = []
    for pair in all {
      try communicator.barrier()
      numbers += try Self.measure(pair, communicator)
    }
    // Those that were not part of a pair hold zeros.
    try numbers.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
    pairs = all.indices.map { Pair(ranks: all[$0], latency: numbers[2 * $0], bandwidth: numbers[2 * $0 + 1]) }
    sums = try [1 << 16, 1 << 20, 8 << 20].map { try Self.measureSum(bytes: $0, communicator) }
  }

  /// Latency and bandwidth on the two ranks of the pair, zeros on the others.
  private static func measure(_ pair: (Int, Int), _ communicator: MPICommunicator) throws -> [Double] {
    guard communicator.rank == pair.0 || communicator.rank == pair.1 else { return [0, 0] }
    let peer = communicator.rank == pair.0 ? pair.1 : pair.0
    let (sent, received) = (AlignedBuffer<UInt8>(count: 1 << 22), AlignedBuffer<UInt8>(count: 1 << 22))
    func exchange(_ count: Int) throws -> Double {
      try seconds {
        try communicator.exchange(
          UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(sent.elements)[..<count]),
          for: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(received.elements)[..<count]), with: peer)
      }
    }
    for _ in 0..<20 { _ = try exchange(8) }
    let latency = median(try (0..<200).map { _ in try exchange(8) })
    // One exchange takes what buffers on the way hold; then as many in a row as a fifth of a second has room for.
    var count = [Int64(min(max(0.2 / (try exchange(sent.count)), 2), 100))]
    var peers = count
    try count.withUnsafeMutableBytes { own in
      try peers.withUnsafeMutableBytes { try communicator.exchange(UnsafeRawBufferPointer(own), for: $0, with: peer) }
    }
    let repetitions = max(count[0], peers[0])
    let duration = try seconds { for _ in 0..<repetitions { _ = try exchange(sent.count) } }
    return [latency, Double(sent.count) * Double(repetitions) / duration]
  }

  private static func measureSum(bytes: Int, _ communicator: MPICommunicator) throws -> Sum {
    let values = AlignedBuffer<Float>(count: bytes / MemoryLayout<Float>.size)
    let sum = try communicator.preparedSum(of: values.elements)
    func once() throws -> Double {
      try communicator.barrier()
      return try seconds {
        try sum.start()
        try sum.wait()
      }
    }
    _ = try once()
    var first = [try once()]
    try first.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
    var result = [median(try (0..<min(max(Int(1 / first[0]), 5), 50)).map { _ in try once() })]
    try result.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
    let share = 2 * Double(communicator.size - 1) / Double(communicator.size)
    return Sum(bytes: bytes, seconds: result[0], bandwidth: share * Double(bytes) / result[0])
  }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
