import COpenMPI

/// A collective made once and started in every step.
final class MPICollective: PreparedCollective {
  /// What MPI is asked to do with the requests, one a piece.
  typealias Call = (_ requests: UnsafeMutablePointer<OpaquePointer?>) throws -> Void

  private let communicator: MPICommunicator
  /// MPI keeps the addresses of requests and memory while the collective runs.
  private let requests: UnsafeMutableBufferPointer<OpaquePointer?>
  private let begin: Call
  private var isStarted = false

  /// Makes the requests.
  /// - Parameters:
  ///   - pieces: number of requests.
  ///   - communicator: the ranks.
  ///   - prepare: makes persistent requests where the library has them.
  ///   - begin: starts them, or makes them and starts them. Keeps alive what the requests point to.
  /// - Throws: `CommunicationError` naming the call.
  init(pieces: Int, over communicator: MPICommunicator, prepare: Call, begin: @escaping Call) throws {
    self.communicator = communicator
    self.begin = begin
    requests = .allocate(capacity: max(pieces, 1))
    requests.initialize(repeating: nil)
    for index in requests.indices { qat_mpi_request_clear(&requests[index]) }
    if let base = requests.baseAddress { try prepare(base) }
  }

  deinit {
    if communicator.isRunning {
      // A collective that still runs would write to memory whose owner thinks it is free.
      if isStarted { _ = qat_mpi_requests_wait(requests.baseAddress, Int32(requests.count)) }
      for index in requests.indices { _ = qat_mpi_request_release(&requests[index]) }
    }
    requests.deallocate()
  }

  func start() throws {
    precondition(!isStarted, "a prepared collective was started again before it was complete")
    guard let base = requests.baseAddress else { return }
    isStarted = true
    try begin(base)
  }

  func poll() throws -> Bool {
    guard isStarted else { return true }
    _ = try communicator.communicator()
    var done: Int32 = 0
    try MPICommunicator.check(local: qat_mpi_requests_test(requests.baseAddress, Int32(requests.count), &done), "MPI_Testall")
    if done != 0 { isStarted = false }
    return done != 0
  }

  func wait() throws {
    guard isStarted else { return }
    _ = try communicator.communicator()
    try MPICommunicator.check(qat_mpi_requests_wait(requests.baseAddress, Int32(requests.count)), "MPI_Waitall")
    isStarted = false
  }
}
