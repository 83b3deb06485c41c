import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension CheckpointDirectory {
  /// Compares what a run will write with what the disk has left, before the run. A quota is not seen here: it shows when it is reached.
  /// - Parameters:
  ///   - size: bytes of one checkpoint.
  ///   - epochs: epochs of the run.
  ///   - warn: receives a sentence when not all checkpoints that are to stay will fit.
  /// - Throws: `TrainingError` when not even two fit: one must stay valid while the next one is written.
  func requireRoom(forCheckpointsOf size: Int, epochs: Int, warn: (String) -> Void) throws {
    guard let free = FileSystem.freeBytes(path) else { return }
    let present = try candidates.count
    // The newest, the best, one being written, and those that stay for good.
    let wanted = keepLast + 2 + (keepEveryEpochs > 0 ? epochs / keepEveryEpochs : 0)
    func text(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1e6) }
    let numbers = "the file system of \(path) has \(text(free)) left, one checkpoint takes \(text(size))"
    let fitting = free / max(size, 1)
    if fitting < 2 - present {
      throw TrainingError(
        .storageFull, "\(numbers), and two must fit: one stays valid while the next one is written. Make room, or choose another --checkpoint-dir")
    }
    if fitting < max(1, wanted - present) {
      warn("\(numbers), and \(wanted) are to stay (\(present) are there). Make room, or lower checkpoint.keep_last")
    }
  }
}

extension FileSystem {
  /// Bytes that may still be written to the file system of a folder; nil when it does not say.
  static func freeBytes(_ folder: String) -> Int? {
    var status = statvfs()
    guard statvfs(folder, &status) == 0, status.f_blocks > 0 else { return nil }
    let (bytes, overflow) = Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
    return overflow ? Int.max : bytes
  }
}
