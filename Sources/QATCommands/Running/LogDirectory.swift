import Foundation
import QAT

/// Writes a file where the configuration's `log_dir` says; the folder is made when it is missing.
/// - Parameters:
///   - name: the file's name.
///   - text: all of it.
///   - folder: the folder.
/// - Returns: the file's path.
/// - Throws: `CommandError` when it cannot be written.
@discardableResult
func writeLog(_ name: String, _ text: String, in folder: String) throws(CommandError) -> String {
  let path = "\(folder)/\(name)"
  do throws(FileError) {
    try DurableFile.makeFolder(folder)
    try replaceFiles([(path, Data(text.utf8))])
  } catch {
    throw CommandError(.storage, "'\(path)' cannot be written: \(error.cause). It goes where \"log_dir\" says")
  }
  return path
}
