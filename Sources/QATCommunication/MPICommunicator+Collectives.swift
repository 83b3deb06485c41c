import COpenMPI

extension MPICommunicator {
  /// Replaces every element by the sum, minimum or maximum over ranks.
  public func allreduce(_ values: UnsafeMutableBufferPointer<Float>, _ reduction: Reduction) throws {
    try reduce(values, type: Int32(QAT_MPI_FLOAT), reduction)
  }

  /// Replaces every element by the sum, minimum or maximum over ranks.
  public func allreduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction) throws {
    try reduce(values, type: Int32(QAT_MPI_DOUBLE), reduction)
  }

  /// Replaces every element by the sum, minimum or maximum over ranks.
  public func allreduce(_ values: UnsafeMutableBufferPointer<Int64>, _ reduction: Reduction) throws {
    try reduce(values, type: Int32(QAT_MPI_INT64), reduction)
  }

  private func reduce<Element>(_ values: UnsafeMutableBufferPointer<Element>, type: Int32, _ reduction: Reduction) throws {
    let communicator = try communicator()
    guard let base = values.baseAddress else { return }
    let operation: Int =
      switch reduction {
      case .sum: QAT_MPI_SUM
      case .minimum: QAT_MPI_MIN
      case .maximum: QAT_MPI_MAX
      }
    try inPieces(values.count) { start, count in
      try Self.check(
        qat_mpi_allreduce(base + start, count, type, Int32(operation), communicator), "MPI_Allreduce",
        byteCount: MemoryLayout<Element>.stride * Int(count))
    }
  }

  /// Replaces the bytes on every rank by those of `root`.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
    precondition((0..<size).contains(root), "there is no rank \(root) among \(size)")
    let communicator = try communicator()
    guard let base = bytes.baseAddress else { return }
    try inPieces(bytes.count) { start, count in
      try Self.check(qat_mpi_broadcast(base + start, count, Int32(root), communicator), "MPI_Bcast", byteCount: Int(count))
    }
  }

  /// The records of every rank, in rank order, all of one size.
  public func allgather(record: [UInt8]) throws -> [[UInt8]] {
    let communicator = try communicator()
    var all = [UInt8](repeating: 0, count: record.count * size)
    try Self.check(qat_mpi_gather_records(record, Int32(record.count), &all, communicator), "MPI_Allgather")
    return (0..<size).map { Array(all[$0 * record.count..<($0 + 1) * record.count]) }
  }

  /// The bytes of every rank, in rank order.
  public func allgather(_ bytes: [UInt8]) throws -> [[UInt8]] {
    let communicator = try communicator()
    var counts = [Int64](repeating: 0, count: size)
    try Self.check(qat_mpi_gather_number(Int64(bytes.count), &counts, communicator), "MPI_Allgather")
    let total = counts.reduce(0, +)
    guard total <= Int64(longestMessage) else { return try gatherByBroadcasts(bytes, counts: counts) }
    var all = [UInt8](repeating: 0, count: Int(total))
    let offsets = counts.indices.map { Int32(counts[..<$0].reduce(0, +)) }
    try Self.check(
      qat_mpi_gather_bytes(bytes, Int32(bytes.count), &all, counts.map(Int32.init), offsets, communicator), "MPI_Allgatherv")
    return zip(offsets, counts).map { offset, count in Array(all[Int(offset)..<Int(offset) + Int(count)]) }
  }

  /// The values of every rank, in rank order.
  public func allgather(_ values: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) throws {
    precondition(all.count == values.count * size, "room for \(all.count) values, not \(values.count) of each of \(size) ranks")
    guard let own = values.baseAddress, let base = all.baseAddress else { return }
    try Self.check(qat_mpi_gather_doubles(own, Int32(values.count), base, communicator()), "MPI_Allgather")
  }

  /// For more bytes than MPI can count in one message.
  private func gatherByBroadcasts(_ bytes: [UInt8], counts: [Int64]) throws -> [[UInt8]] {
    try counts.enumerated().map { root, count in
      var part = root == rank ? bytes : [UInt8](repeating: 0, count: Int(count))
      try part.withUnsafeMutableBytes { try broadcast($0, from: root) }
      return part
    }
  }

  /// Sends bytes to another rank while as many come from it. What a link can do is measured with it; training needs collectives only.
  /// - Parameters:
  ///   - sent: the bytes for the other rank.
  ///   - received: where as many from the other rank go.
  ///   - peer: the other rank, which calls this at the same time.
  /// - Throws: `CommunicationError` when MPI fails.
  public func exchange(_ sent: UnsafeRawBufferPointer, for received: UnsafeMutableRawBufferPointer, with peer: Int) throws {
    precondition((0..<size).contains(peer), "there is no rank \(peer) among \(size)")
    precondition(sent.count == received.count, "\(sent.count) bytes cannot be exchanged for \(received.count)")
    let communicator = try communicator()
    guard let from = sent.baseAddress, let to = received.baseAddress else { return }
    try inPieces(sent.count) { start, count in
      try Self.check(qat_mpi_exchange(from + start, to + start, count, Int32(peer), communicator), "MPI_Sendrecv")
    }
  }

  /// Returns when every rank has come here.
  public func barrier() throws { try Self.check(qat_mpi_barrier(communicator()), "MPI_Barrier") }
}
