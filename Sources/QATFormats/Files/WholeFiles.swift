import Foundation

/// Replaces files that belong together, or makes them: readers see the old ones or the new ones and never half of one, whenever the process, the machine or the power ends.
///
/// Each goes into `.<name>.partial` beside its target, is flushed, and then gets its name. What a killed process leaves has the name that the next one writes under, so nothing
/// gathers. The last one is the file that readers open, and names the others: an older one is removed before the first gets its name, so that it never stands beside
/// parts that are not its own. A symbolic link stays, and what it points to is replaced. A pipe or a device is written into.
/// - Parameter files: paths and contents. The one that readers open comes last.
/// - Throws: `FileError` with the path that was given; a single file is then as it was before, and nothing lies beside it.
public func replaceFiles(_ files: [(path: String, contents: Data)]) throws(FileError) {
  let replacements = try files.map { (file) throws(FileError) in try Replacement(file.path, file.contents) }
  do throws(FileError) {
    for replacement in replacements { try replacement.write() }
    if files.count > 1, let last = replacements.last, unlink(last.target) != 0, errno != ENOENT { throw FileError("write", last.path) }
    for replacement in replacements { try replacement.finish() }
  } catch {
    for replacement in replacements { replacement.discard() }
    throw error
  }
}

/// One file on its way.
private struct Replacement {
  /// As the caller says it.
  let path: String
  /// Where the path leads.
  let target: String
  private let contents: Data
  /// Where the bytes go first; nil for a pipe or a device.
  private let partial: String?

  init(_ path: String, _ contents: Data) throws(FileError) {
    self.path = path
    self.contents = contents
    var status = stat()
    let exists = stat(path, &status) == 0
    let kind = status.st_mode & S_IFMT
    if exists, kind == S_IFDIR { throw FileError("write", path, code: EISDIR) }
    target = exists ? Self.resolved(path) : path
    // What stands in /dev is a way to somebody, also where it leads to a file.
    if exists, kind != S_IFREG || path.hasPrefix("/dev/") {
      partial = nil
    } else {
      let name = (target as NSString).lastPathComponent
      partial = "\(DurableFile.folder(of: target))/\(name.hasPrefix(".") ? "" : ".")\(name).partial"
    }
  }

  func write() throws(FileError) {
    let outcome: Result<Void, FileError> = contents.withUnsafeBytes { bytes in
      do throws(FileError) {
        if let partial { try DurableFile.write(bytes, to: partial) } else { try DurableFile.writeInto(path, bytes) }
        return .success(())
      } catch {
        return .failure(named(error))
      }
    }
    try outcome.get()
  }

  func finish() throws(FileError) {
    guard let partial else { return }
    do throws(FileError) { try DurableFile.move(partial, to: target) } catch { throw named(error) }
  }

  func discard() { if let partial { unlink(partial) } }

  /// The user knows the file by its own name.
  private func named(_ error: FileError) -> FileError { FileError("write", path, code: error.code) }

  /// The path without links.
  private static func resolved(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }
}
