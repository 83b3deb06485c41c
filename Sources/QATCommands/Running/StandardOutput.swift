import Foundation
import QAT

/// Writes to stdout at once, in one piece.
/// - Throws: `CommandError` when stdout takes no more, as on a full disk. A reader that has gone has read enough.
func writeToStandardOutput(_ text: String) throws(CommandError) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let written = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    if written < 0, errno == EINTR { continue }
    if written < 0, errno == EPIPE { return }
    guard written > 0 else { throw CommandError(.storage, "the result cannot be written to stdout: \(String(cString: strerror(errno)))") }
    bytes = bytes.dropFirst(written)
  }
}
