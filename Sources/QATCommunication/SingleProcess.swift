/// The communicator of one process alone: every collective leaves its values as they are.
public final class SingleProcess: Communicator {
  public let rank = 0
  public let size = 1

  /// The one process.
  public init() {}

  public func allreduce(_ values: UnsafeMutableBufferPointer<Float>, _ reduction: Reduction) {}
  public func allreduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction) {}
  public func allreduce(_ values: UnsafeMutableBufferPointer<Int64>, _ reduction: Reduction) {}
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
  public func allgather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  public func barrier() {}
  public func preparedSum(of values: UnsafeMutableBufferPointer<Float>) -> any PreparedSum { Complete() }
  public func abort(exitCode: Int32) -> Never { exitProcess(exitCode) }

  private final class Complete: PreparedSum {
    func start() {}
    func poll() -> Bool { true }
    func wait() {}
  }
}
