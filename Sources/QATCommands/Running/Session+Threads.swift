import QAT

extension Session {
  /// Gives a reproducible run the number of threads that it keeps from its beginning to its end: the order of some sums inside a layer depends on it.
  ///
  /// A new run takes OMP_NUM_THREADS, or one thread, because the processors that a rank has depend on how many ranks there are. A run that goes on takes what it had.
  /// All ranks call it together, before anything is computed.
  /// - Parameter saved: what the run has computed with so far; nil for a new one.
  /// - Throws: an error when OMP_NUM_THREADS says another number than the checkpoint. That it says the same on all ranks was compared when the run began.
  func keepThreads(of saved: ComputeEnvironment?) throws {
    let requested = requestedThreadCount()
    try together {
      guard let saved, let requested, requested != saved.threadCount else { return }
      throw CommandError(
        .mismatch,
        "OMP_NUM_THREADS is \(requested), but this reproducible run was begun with \(saved.threadCount) threads a rank, and its bits depend on that. Set it to "
          + "\(saved.threadCount) or leave it unset")
    }
    let count = saved?.threadCount ?? requested ?? 1
    EngineEnvironment.threadCount = count
    if requested == nil, saved == nil {
      note("a reproducible run keeps its number of threads: one a rank, because OMP_NUM_THREADS is not set")
    }
  }
}
