#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension JSONDocument {
  /// Largest file that is read; a configuration or a state file is far smaller, and a mistaken path to a data file should not fill the memory.
  public static let largestFile = 256 << 20

  /// Reads and parses a file.
  /// - Parameter path: path of the file, which also names it in messages.
  /// - Returns: the parsed file.
  /// - Throws: why the file cannot be read (line 0), or the first error in it.
  public static func read(contentsOf path: String) throws(JSONError) -> JSONDocument {
    try parse(bytes: try contents(of: path), file: path)
  }

  private static func contents(of path: String) throws(JSONError) -> [UInt8] {
    guard let stream = fopen(path, "rb") else { throw unreadable(path, errno) }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&block, 1, block.count, stream)
      bytes.append(contentsOf: block[..<count])
      guard bytes.count <= largestFile else {
        throw JSONError(file: path, line: 0, column: 0, path: "", message: "larger than \(largestFile >> 20) MiB; a JSON file was expected")
      }
      if count < block.count {
        if ferror(stream) != 0 { throw unreadable(path, errno) }
        return bytes
      }
    }
  }

  private static func unreadable(_ path: String, _ code: Int32) -> JSONError {
    let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
    return JSONError(file: path, line: 0, column: 0, path: "", message: "cannot be read: \(reason)")
  }
}
