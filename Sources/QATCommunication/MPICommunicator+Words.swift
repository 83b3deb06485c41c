extension MPICommunicator {
  /// What a call of MPI is for, as in "waits for a broadcast".
  /// - Parameter call: the function's name.
  /// - Returns: words for it.
  static func words(for call: String) -> String {
    switch call {
    case "MPI_Bcast": "a broadcast"
    case "MPI_Barrier": "a barrier"
    case "MPI_Finalize": "the end of the run"
    case _ where call.hasPrefix("MPI_Allreduce"): "a sum over ranks"
    case _ where call.hasPrefix("MPI_Allgather"): "an exchange between ranks"
    default: call.isEmpty ? "the other ranks" : call
    }
  }
}
