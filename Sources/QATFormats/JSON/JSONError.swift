/// Why a text is not the JSON that is read here: where, what was found, what was expected.
public struct JSONError: Error, Hashable, CustomStringConvertible {
  /// Name of the file, as the reader was given it.
  public var file: String
  /// Line, from 1; 0 when the file could not be read at all.
  public var line: Int
  /// Column in Unicode scalars, from 1; 0 when the file could not be read at all.
  public var column: Int
  /// JSON path of the value that was being read, such as `compression[0].weights`; empty at the root.
  public var path: String
  /// What was found, where what was expected, and the remedy when one is known.
  public var message: String

  /// An error at a place.
  public init(file: String, line: Int, column: Int, path: String, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.path = path
    self.message = message
  }

  /// `file:line:column: in path: message`.
  public var description: String {
    let place = line > 0 ? "\(file):\(line):\(column)" : file
    return path.isEmpty ? "\(place): \(message)" : "\(place): in \(path): \(message)"
  }
}
