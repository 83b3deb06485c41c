import CTrainingSupport
import Dispatch
import Foundation
import QATFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A run's folder belongs to one job at a time: a lock of the system's on the file `LOCK`, and in the file its owner with a sign of life every minute, for
/// file systems that have no locks or lose them. Released with the object; what a killed process leaves behind is taken over by the rules of `LockOwner`.
///
/// Invariant behind `@unchecked Sendable`: all but the timer is constant; the timer's queue alone writes the file once it is ours.
public final class DirectoryLock: @unchecked Sendable {
  static let name = "LOCK"
  /// For so many seconds an owner is given the time to be gone.
  private static let patienceSeconds = 2

  private let path: String
  private let descriptor: Int32
  private let timer: any DispatchSourceTimer

  /// Takes the lock.
  /// - Parameters:
  ///   - folder: the run's folder.
  ///   - isForced: whether to take it from whoever has it.
  /// - Throws: `TrainingError` naming the owner; or the file and the system's reason.
  init(_ folder: String, isForced: Bool) throws {
    path = "\(folder)/\(Self.name)"
    if isForced { FileSystem.discard(path) }
    descriptor = try Self.open(path)
    timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "qat lock"))
    timer.schedule(deadline: .now() + LockOwner.heartbeatInterval, repeating: LockOwner.heartbeatInterval)
    let owner = LockOwner.current()
    timer.setEventHandler { [descriptor] in
      var owner = owner
      owner.heartbeat = Date()
      // A sign of life that fails is one that is missing: the next one may succeed.
      try? Self.write(owner, to: descriptor)
    }
    timer.activate()
  }

  deinit {
    timer.cancel()
    // Somebody may have been told to take the folder from us.
    if FileSystem.identity(path) == FileSystem.identity(descriptor) { unlink(path) }
    close(descriptor)
  }

  /// What came of an attempt to take the lock.
  private enum Attempt {
    case taken
    /// The file is no longer the one at the path: its owner has let go.
    case removed
    case held(TrainingError)
  }

  private static func open(_ path: String) throws -> Int32 {
    // An owner that lets go removes the file while we open it; one that was killed takes a moment to be gone.
    let deadline = ContinuousClock.now + .seconds(patienceSeconds)
    var refusal = TrainingError(.storage, "\(path) is made and removed again and again: other runs are trying to use this folder")
    repeat {
      let descriptor = systemOpen(path, O_RDWR | O_CREAT | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileSystem.failure("create", path) }
      do {
        switch try take(descriptor, path) {
        case .taken: return descriptor
        case .removed: break
        case .held(let error): refusal = error
        }
      } catch {
        close(descriptor)
        throw error
      }
      close(descriptor)
      Thread.sleep(forTimeInterval: 0.05)
    } while ContinuousClock.now < deadline
    throw refusal
  }

  /// Makes the open file ours, if nobody has it.
  private static func take(_ descriptor: Int32, _ path: String) throws -> Attempt {
    let code = qat_lock_file(descriptor)
    let found = try? JSONDecoder.dated.decode(LockOwner.self, from: Data(FileSystem.read(path, limit: 4096)))
    if code == EAGAIN || code == EACCES { return .held(held(path, by: found, "it holds the lock")) }
    guard FileSystem.identity(path) == FileSystem.identity(descriptor) else { return .removed }
    let own = LockOwner.current()
    if let found, let reason = found.signOfLife(to: own) { return .held(held(path, by: found, reason)) }
    try write(own, to: descriptor)
    return .taken
  }

  private static func held(_ path: String, by owner: LockOwner?, _ reason: String) -> TrainingError {
    TrainingError(
      .storage,
      "\(DurableFile.folder(of: path)) is in use by \(owner.map(\.description) ?? "another process"): \(reason). Two runs cannot write to one "
        + "folder: wait for it, choose another --checkpoint-dir, or say --force-unlock when you know that it is gone")
  }

  private static func write(_ owner: LockOwner, to descriptor: Int32) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    encoder.dateEncodingStrategy = .iso8601
    let text = try encoder.encode(owner) + Data("\n".utf8)
    let count = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    guard count == text.count, ftruncate(descriptor, off_t(count)) == 0, fsync(descriptor) == 0 else { throw FileSystem.failure("write", Self.name) }
  }
}

extension CheckpointDirectory {
  /// Makes the folder and takes it for this process, until the lock's last reference is gone. Called by rank 0 before anything is written.
  /// - Parameter isForced: whether to take it from whoever has it.
  /// - Returns: the lock, to be kept as long as the folder is written to.
  /// - Throws: `TrainingError` naming the owner; or the file and the system's reason.
  public func lock(isForced: Bool = false) throws -> DirectoryLock {
    try FileSystem.makeFolder(path)
    return try DirectoryLock(path, isForced: isForced)
  }
}

extension JSONDecoder {
  fileprivate static var dated: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }
}

// Inside `DirectoryLock`, `open` is our own.
private func systemOpen(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o644) }
