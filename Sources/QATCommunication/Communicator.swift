/// What the ranks of one run say to each other. One process alone is rank 0 of 1.
///
/// All ranks call the same collectives in the same order, from one thread. Results are the same bytes on every rank.
public protocol Communicator: AnyObject {
  /// This process's number, in 0..<size.
  var rank: Int { get }
  /// Number of processes.
  var size: Int { get }

  /// Replaces every element by the sum, minimum or maximum over ranks.
  func allreduce(_ values: UnsafeMutableBufferPointer<Float>, _ reduction: Reduction) throws
  /// Replaces every element by the sum, minimum or maximum over ranks.
  func allreduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction) throws
  /// Replaces every element by the sum, minimum or maximum over ranks.
  func allreduce(_ values: UnsafeMutableBufferPointer<Int64>, _ reduction: Reduction) throws

  /// Replaces the bytes on every rank by those of `root`. The count is the same on every rank.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws
  /// The records of every rank, in rank order: as many bytes on each rank, in one message, whatever the ranks put in it.
  func allgather(record: [UInt8]) throws -> [[UInt8]]
  /// The bytes of every rank, in rank order. Counts may differ.
  func allgather(_ bytes: [UInt8]) throws -> [[UInt8]]
  /// The values of every rank, in rank order. As many on every rank; allocates nothing, so that a training step can call it.
  func allgather(_ values: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) throws
  /// Returns when every rank has come here.
  func barrier() throws

  /// Prepares a sum over ranks of `values`, in place, to be started again and again. Ranks prepare theirs in the same order.
  func preparedSum(of values: UnsafeMutableBufferPointer<Float>) throws -> any PreparedCollective
  /// Prepares an exchange in which every rank sends a part of its bytes to every other. Ranks prepare theirs in the same order.
  /// - Parameters:
  ///   - source: this rank's bytes.
  ///   - parts: which of them go to each rank; empty where nothing goes. This rank's own is ignored: what stays is not copied.
  ///   - destination: where the bytes of other ranks go.
  ///   - places: where in it the bytes of each rank go, as long as what that rank sends here.
  /// - Returns: the exchange, to be started again and again.
  /// - Throws: the communicator's error.
  func preparedExchange(
    of source: UnsafeRawBufferPointer, parts: [Range<Int>], into destination: UnsafeMutableRawBufferPointer, places: [Range<Int>]
  ) throws -> any PreparedCollective
  /// Prepares a gathering in place: each rank has filled its part of `bytes`, and gets the parts of the others. Ranks prepare theirs in the same order.
  ///
  /// Started gatherings and started exchanges or sums may pass each other: only among themselves are they started in the same order on every rank.
  func preparedGather(in bytes: UnsafeMutableRawBufferPointer, parts: [Range<Int>]) throws -> any PreparedCollective
  /// Ends the processes of all ranks with `exitCode`, after a message on stderr. Never returns.
  func abort(exitCode: Int32) -> Never
}

/// How elements of several ranks become one.
public enum Reduction: Sendable {
  /// The sum.
  case sum
  /// The least.
  case minimum
  /// The largest.
  case maximum
}

/// A nonblocking collective that was prepared once and allocates nothing when it runs.
///
/// MPI moves data only from inside its own calls: whoever computes meanwhile polls.
public protocol PreparedCollective: AnyObject {
  /// Begins. The memory must not be touched until `poll` has returned true or `wait` has returned.
  func start() throws
  /// Moves this and all other started collectives on. Returns whether this one is complete (true when it was never started).
  func poll() throws -> Bool
  /// Returns when complete.
  func wait() throws
}

extension Communicator {
  /// By the collective for any number of bytes.
  public func allgather(record: [UInt8]) throws -> [[UInt8]] { try allgather(record) }

  /// Whether this process speaks for the run.
  public var isRoot: Bool { rank == 0 }

  /// The root's bytes, of a length only the root knows.
  public func broadcast(_ bytes: [UInt8], from root: Int = 0) throws -> [UInt8] {
    var count = Int64(bytes.count)
    try withUnsafeMutableBytes(of: &count) { try broadcast($0, from: root) }
    var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(count))
    try result.withUnsafeMutableBytes { try broadcast($0, from: root) }
    return result
  }
}
