import Synchronization

/// The samples of a data set whose files have turned out corrupt and were skipped, up to a limit.
///
/// Which samples these are depends on the files alone: a sample is corrupt for whoever reads it, on every rank, in every epoch and after every resume. Any thread
/// may ask and add. The limit is one rank's own.
public final class UnreadableSamples: Sendable {
  /// How many may be skipped; with 0 the first one is an error.
  public let limit: Int
  private let faults = Mutex<[Int: DataError]>([:])

  /// None, with room for `limit`.
  public init(limit: Int) { self.limit = limit }

  /// How many were found so far.
  public var count: Int { faults.withLock { $0.count } }

  /// What is wrong with each, in the order of the samples.
  public var errors: [DataError] { faults.withLock { faults in faults.keys.sorted().compactMap { faults[$0] } } }

  /// Whether a sample was found corrupt before.
  func contains(_ index: Int) -> Bool { limit > 0 && faults.withLock { $0[index] != nil } }

  /// Notes a corrupt sample.
  /// - Throws: the fault itself, when nothing may be skipped; a `DataError` with the count when these are too many.
  func note(_ index: Int, _ error: DataError) throws {
    guard limit > 0 else { throw error }
    let count = faults.withLock { faults in
      faults[index] = error
      return faults.count
    }
    guard count <= limit else {
      throw DataError(
        .corrupt, error.file,
        "\(error.message). It is the corrupt file number \(count), and data.max_corrupt lets \(limit) be skipped: repair the data, or allow more")
    }
  }
}
