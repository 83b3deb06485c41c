import COpenMPI

extension MPICommunicator {
  /// Prepares a sum over ranks of `values`, in place. Ranks prepare theirs in the same order; the buffer outlives the sum.
  public func preparedSum(of values: UnsafeMutableBufferPointer<Float>) throws -> any PreparedCollective {
    var pieces = 0
    inPieces(values.count) { _, _ in pieces += 1 }
    /// Calls `body` for one piece and its request after the other.
    func forEachPiece(
      _ requests: UnsafeMutablePointer<OpaquePointer?>,
      _ body: (UnsafeMutablePointer<Float>, Int32, UnsafeMutablePointer<OpaquePointer?>) throws -> Void
    ) throws {
      guard let base = values.baseAddress else { return }
      var request = requests
      try inPieces(values.count) { start, count in
        try body(base + start, count, request)
        request += 1
      }
    }
    return try MPICollective(pieces: pieces, over: self) { requests in
      try forEachPiece(requests) { try Self.check(local: qat_mpi_sum_prepare($0, $1, communicator(), $2), "MPI_Allreduce_init") }
    } begin: { [self] requests in
      try forEachPiece(requests) { try Self.check(local: qat_mpi_sum_start($0, $1, communicator(), $2), "MPI_Start") }
    }
  }

  /// Prepares an exchange in which every rank sends a part of its bytes to every other. The buffers outlive it.
  public func preparedExchange(
    of source: UnsafeRawBufferPointer, parts: [Range<Int>], into destination: UnsafeMutableRawBufferPointer, places: [Range<Int>]
  ) throws -> any PreparedCollective {
    let sent = try MPIPlaces(parts, in: source.count, without: rank, self)
    let received = try MPIPlaces(places, in: destination.count, without: rank, self)
    let (from, to) = (source.baseAddress, destination.baseAddress)
    return try MPICollective(pieces: 1, over: self) { request in
      try Self.check(
        local: qat_mpi_exchange_prepare(from, sent.counts, sent.offsets, to, received.counts, received.offsets, communicator(), request),
        "MPI_Alltoallv_init")
    } begin: { [self] request in
      try Self.check(
        local: qat_mpi_exchange_start(from, sent.counts, sent.offsets, to, received.counts, received.offsets, communicator(), request), "MPI_Start")
    }
  }

  /// Prepares a gathering in place: each rank gets the parts of the others. The buffer outlives it.
  public func preparedGather(in bytes: UnsafeMutableRawBufferPointer, parts: [Range<Int>]) throws -> any PreparedCollective {
    let places = try MPIPlaces(parts, in: bytes.count, without: nil, self)
    let base = bytes.baseAddress
    return try MPICollective(pieces: 1, over: self) { request in
      try Self.check(
        local: qat_mpi_gather_prepare(base, places.counts, places.offsets, communicator(forGathering: true), request), "MPI_Allgatherv_init")
    } begin: { [self] request in
      try Self.check(local: qat_mpi_gather_start(base, places.counts, places.offsets, communicator(forGathering: true), request), "MPI_Start")
    }
  }
}

/// Counts and offsets of every rank as MPI wants them, at addresses that stay.
private final class MPIPlaces {
  let counts: UnsafeMutablePointer<Int32>
  let offsets: UnsafeMutablePointer<Int32>

  /// The places `ranges` of a buffer of `byteCount` bytes, one a rank; that of `excluded` is empty.
  init(_ ranges: [Range<Int>], in byteCount: Int, without excluded: Int?, _ communicator: MPICommunicator) throws {
    precondition(ranges.count == communicator.size, "\(ranges.count) places for \(communicator.size) ranks")
    guard byteCount <= Int(Int32.max) else {
      throw CommunicationError(
        .transport, "\(byteCount) bytes are to be exchanged at once, but MPI counts to \(Int32.max): make the gradient buckets smaller")
    }
    counts = .allocate(capacity: ranges.count)
    offsets = .allocate(capacity: ranges.count)
    for (rank, range) in ranges.enumerated() {
      precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "the place \(range) leaves \(byteCount) bytes")
      counts[rank] = rank == excluded ? 0 : Int32(range.count)
      offsets[rank] = rank == excluded ? 0 : Int32(range.lowerBound)
    }
  }

  deinit {
    counts.deallocate()
    offsets.deallocate()
  }
}
