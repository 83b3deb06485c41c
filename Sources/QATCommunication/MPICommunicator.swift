import COpenMPI
import CWatching
import Foundation

/// The ranks that mpirun or srun has started, over Open MPI.
///
/// All calls come from the thread that made it (checked in debug builds). Nothing works after `finalize()`.
public final class MPICommunicator: Communicator {
  /// This process's number, in 0..<size.
  public let rank: Int
  /// Number of processes.
  public let size: Int
  /// What the run ends with when a rank throws an error that `together` makes all share; `withCommunicator` sets it.
  var exitCode: (any Error) -> Int32 = { _ in 1 }
  /// Sees to it that no rank waits for ever; `withCommunicator` sets it.
  var watchdog: Watchdog?
  private var handle: OpaquePointer?
  /// The same ranks once more, for gatherings: they are started when data has come, which on some ranks is before another exchange begins and on some after.
  private var gatherHandle: OpaquePointer?
  /// Elements of one message at most: MPI counts in 32 bits. Smaller only in tests.
  let longestMessage: Int

  /// Starts MPI and joins the other ranks. Once in a process.
  /// - Throws: `CommunicationError` when MPI does not start, or when the launcher started another number of processes than MPI sees.
  public convenience init() throws { try self.init(longestMessage: Int(Int32.max)) }

  /// As above, cutting messages into pieces of `longestMessage` elements.
  package init(longestMessage: Int) throws {
    self.longestMessage = longestMessage
    guard qat_mpi_is_initialized() == 0 else {
      throw CommunicationError(.launch, "MPI was started before in this process; it can be started only once", exitCode: 2)
    }
    let launch = Launch()  // before MPI starts: alone, it writes a launcher's variables into the environment itself
    MPIVariables.setDefaults()
    var funneled: Int32 = 0
    try Self.check(qat_mpi_init(&funneled), "MPI_Init_thread")
    guard funneled == 1 else {
      throw CommunicationError(
        .launch, "this MPI library cannot be used by a program with threads: it offers less than MPI_THREAD_FUNNELED", exitCode: 2)
    }
    var (communicator, gatherings, rank, size): (OpaquePointer?, OpaquePointer?, Int32, Int32) = (nil, nil, 0, 0)
    try Self.check(qat_mpi_world(&communicator), "MPI_Comm_dup")
    try Self.check(qat_mpi_world(&gatherings), "MPI_Comm_dup")
    try Self.check(local: qat_mpi_rank(communicator, &rank), "MPI_Comm_rank")
    try Self.check(local: qat_mpi_size(communicator, &size), "MPI_Comm_size")
    (handle, gatherHandle, self.rank, self.size) = (communicator, gatherings, Int(rank), Int(size))
    if let mismatch = launch.mismatch(found: self.size) {
      finalize()
      throw mismatch
    }
  }

  /// Ends MPI on this rank, after all ranks have come here. The second call does nothing.
  public func finalize() {
    guard handle != nil else { return }
    WorkPhase.ending.begin()
    watchdog?.ask(.leave)
    _ = qat_mpi_release(&handle)
    _ = qat_mpi_release(&gatherHandle)
    (handle, gatherHandle) = (nil, nil)
    try? Self.check(qat_mpi_finalize(), "MPI_Finalize")
    watchdog?.ask(.stop)
    watchdog = nil
  }

  /// Whether MPI still works.
  var isRunning: Bool { handle != nil }

  /// MPI's handle, for a call from the right thread.
  func communicator(forGathering: Bool = false) throws -> OpaquePointer {
    guard let handle = forGathering ? gatherHandle : handle else { throw CommunicationError(.transport, "MPI was used after its end") }
    assert(qat_mpi_is_main_thread() == 1, "MPI is called from the thread that started it and from no other")
    return handle
  }

  /// Makes a call of MPI, in which this rank may wait for others, and turns its result into an error that names it.
  /// - Parameters:
  ///   - body: the call.
  ///   - call: its name.
  ///   - byteCount: how much it moves.
  /// - Throws: `CommunicationError` with MPI's reason.
  static func check(_ body: @autoclosure () throws -> Int32, _ call: StaticString, byteCount: Int = 0) throws {
    let name = UnsafeRawPointer(call.utf8Start).assumingMemoryBound(to: CChar.self)
    qat_activity_enter(name, Int64(byteCount))
    defer { qat_activity_leave() }
    try check(local: body(), call)
  }

  /// As above for a call that never waits, such as one that polls: that it is made is no progress.
  static func check(local code: Int32, _ call: StaticString) throws {
    guard code != Int32(QAT_MPI_SUCCESS) else { return }
    var text = [CChar](repeating: 0, count: QAT_MPI_LONGEST_TEXT + 1)
    qat_mpi_error_text(code, &text)
    let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw CommunicationError(.transport, "\(call) failed: \(reason.isEmpty ? "code \(code)" : reason)")
  }

  /// Calls `body` for one piece of 0..<count after the other, each short enough for MPI.
  func inPieces(_ count: Int, _ body: (_ start: Int, _ count: Int32) throws -> Void) rethrows {
    for start in stride(from: 0, to: count, by: longestMessage) { try body(start, Int32(min(longestMessage, count - start))) }
  }

  /// Ends the processes of all ranks with `exitCode`. Never returns.
  public func abort(exitCode: Int32) -> Never {
    qat_flush_output()
    watchdog?.ask(.abort(exitCode: exitCode))
    if isRunning { _ = qat_mpi_abort(exitCode) }
    exitProcess(exitCode)
  }
}
