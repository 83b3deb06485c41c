import COpenMPI

/// A sum over ranks made once and started in every step.
final class MPISum: PreparedSum {
  private let communicator: MPICommunicator
  private let values: UnsafeMutableBufferPointer<Float>
  /// One request a piece. MPI keeps the address while a sum runs.
  private let requests: UnsafeMutableBufferPointer<OpaquePointer?>
  private var isStarted = false

  init(of values: UnsafeMutableBufferPointer<Float>, over communicator: MPICommunicator) throws {
    self.communicator = communicator
    self.values = values
    var pieces = 0
    communicator.inPieces(values.count) { _, _ in pieces += 1 }
    requests = .allocate(capacity: pieces)
    requests.initialize(repeating: nil)
    for index in requests.indices { qat_mpi_sum_forget(&requests[index]) }
    try forEachPiece { base, count, request in
      try MPICommunicator.check(qat_mpi_sum_prepare(base, count, communicator.communicator(), request), "MPI_Allreduce_init")
    }
  }

  deinit {
    if communicator.isRunning {
      // A sum that still runs would write to memory whose owner thinks it is free.
      if isStarted { _ = qat_mpi_sum_wait(requests.baseAddress, Int32(requests.count)) }
      for index in requests.indices { _ = qat_mpi_sum_release(&requests[index]) }
    }
    requests.deallocate()
  }

  func start() throws {
    precondition(!isStarted, "a prepared sum was started again before it was complete")
    isStarted = true
    try forEachPiece { base, count, request in
      try MPICommunicator.check(qat_mpi_sum_start(base, count, communicator.communicator(), request), "MPI_Start")
    }
  }

  func poll() throws -> Bool {
    guard isStarted else { return true }
    _ = try communicator.communicator()
    var done: Int32 = 0
    try MPICommunicator.check(qat_mpi_sum_test(requests.baseAddress, Int32(requests.count), &done), "MPI_Testall")
    if done != 0 { isStarted = false }
    return done != 0
  }

  func wait() throws {
    guard isStarted else { return }
    _ = try communicator.communicator()
    try MPICommunicator.check(qat_mpi_sum_wait(requests.baseAddress, Int32(requests.count)), "MPI_Waitall")
    isStarted = false
  }

  private func forEachPiece(_ body: (UnsafeMutablePointer<Float>, Int32, UnsafeMutablePointer<OpaquePointer?>) throws -> Void) throws {
    guard let base = values.baseAddress, var request = requests.baseAddress else { return }
    try communicator.inPieces(values.count) { start, count in
      try body(base + start, count, request)
      request += 1
    }
  }
}
