/// The communicator of one process alone: every collective leaves its values as they are.
public final class SingleProcess: Communicator {
  /// Always 0.
  public let rank = 0
  /// Always 1.
  public let size = 1

  /// The one process.
  public init() {}

  /// Leaves the values as they are.
  public func allreduce(_ values: UnsafeMutableBufferPointer<Float>, _ reduction: Reduction) {}
  /// Leaves the values as they are.
  public func allreduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction) {}
  /// Leaves the values as they are.
  public func allreduce(_ values: UnsafeMutableBufferPointer<Int64>, _ reduction: Reduction) {}
  /// Leaves the bytes as they are.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
  /// The bytes alone.
  public func allgather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  /// Copies the values.
  public func allgather(_ values: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) {
    precondition(all.count == values.count, "room for \(all.count) values, not \(values.count)")
    _ = all.update(fromContentsOf: values)
  }
  /// Returns at once.
  public func barrier() {}
  /// A sum that is complete as soon as it starts.
  public func preparedSum(of values: UnsafeMutableBufferPointer<Float>) -> any PreparedCollective { Complete() }
  /// Nothing to send to others: complete as soon as it starts.
  public func preparedExchange(
    of source: UnsafeRawBufferPointer, parts: [Range<Int>], into destination: UnsafeMutableRawBufferPointer, places: [Range<Int>]
  ) -> any PreparedCollective { Complete() }
  /// Nothing to get from others: complete as soon as it starts.
  public func preparedGather(in bytes: UnsafeMutableRawBufferPointer, parts: [Range<Int>]) -> any PreparedCollective { Complete() }
  /// Ends the process. Never returns.
  public func abort(exitCode: Int32) -> Never { exitProcess(exitCode) }

  private final class Complete: PreparedCollective {
    func start() {}
    func poll() -> Bool { true }
    func wait() {}
  }
}
