import CTrainingSupport
import Foundation
import QATFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The few file operations of checkpoints, each durable when it returns, each with an error that names the path and the system's reason.
enum FileSystem {
  /// Writes a new file and waits until it is on the disk.
  static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(TrainingError) {
    do throws(FileError) { try DurableFile.write(bytes, to: path) } catch { throw TrainingError(error) }
  }

  /// Replaces a file: readers see the old bytes or the new ones. What a killed run leaves has its owner's name, so that the next one removes it.
  static func replace(_ path: String, with bytes: [UInt8]) throws {
    let name = (path as NSString).lastPathComponent
    let temporary = "\(folder(of: path))/\(OwnedName.make(.temporary, of: name))"
    do {
      try bytes.withUnsafeBytes { try write($0, to: temporary) }
      try move(temporary, to: path)
    } catch {
      discard(temporary)
      throw error
    }
  }

  /// Renames, then makes the parent folder durable.
  static func move(_ path: String, to target: String) throws(TrainingError) {
    do throws(FileError) { try DurableFile.move(path, to: target) } catch { throw TrainingError(error) }
  }

  /// Puts `path` in the place of `target` in one step, and what was there in the place of `path`.
  /// - Returns: whether this file system can do so; when not, nothing has happened.
  static func exchange(_ path: String, with target: String) throws(TrainingError) -> Bool {
    guard qat_exchange(path, target) == 0 else { return false }
    try synchronize(folder(of: target))
    return true
  }

  /// Waits until a folder's entries are on the disk.
  static func synchronize(_ folder: String) throws(TrainingError) {
    do throws(FileError) { try DurableFile.synchronize(folder) } catch { throw TrainingError(error) }
  }

  /// Makes a folder, and the ones above it.
  static func makeFolder(_ path: String) throws(TrainingError) {
    do throws(FileError) { try DurableFile.makeFolder(path) } catch { throw TrainingError(error) }
  }

  /// Removes a file or a folder with all it holds. What cannot be removed stays: it is garbage by its name.
  static func discard(_ path: String) {
    if unlink(path) == 0 || errno == ENOENT { return }
    for name in (try? names(in: path)) ?? [] { discard("\(path)/\(name)") }
    _ = rmdir(path)
  }

  /// The folder that holds a path.
  static func folder(of path: String) -> String { DurableFile.folder(of: path) }

  /// An error with the system's reason.
  static func failure(_ verb: String, _ path: String, code: Int32 = errno) -> TrainingError { TrainingError(FileError(verb, path, code: code)) }
}

extension TrainingError {
  /// The same error as one of training.
  init(_ error: FileError) { self.init(error.isFull ? .storageFull : .storage, error.description) }
}
