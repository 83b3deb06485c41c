import ArgumentParser
import QAT

extension ModelFormat: ExpressibleByArgument {
  /// The suffixes of all formats without their dot, for the completion of file names.
  static var extensions: [String] { allSuffixes.map { String($0.dropFirst()) } }

  /// The same of the formats that are read.
  static var extensionsRead: [String] { readableSuffixes.map { String($0.dropFirst()) } }

  /// Reads a network whose inputs' open sizes the user, or the configuration, gives.
  /// - Parameters:
  ///   - path: path of the file.
  ///   - shapes: shapes that the user gives its inputs.
  ///   - inputInfo: what the configuration says of them.
  /// - Returns: the network, and what the file says besides.
  /// - Throws: the format's error, when the file holds no network that can be taken.
  func read(_ path: String, _ shapes: [InputShape], _ inputInfo: [InputInfo]) throws -> Contents {
    guard let inputs else {
      guard shapes.isEmpty else {
        throw CommandError(.usage, "--shape is for files that leave sizes open, such as ONNX's; '\(path)' says its own shapes")
      }
      return try read(path)
    }
    guard !shapes.isEmpty || inputInfo.contains(where: { $0.sampleSize != nil }) else { return try read(path) }
    return try read(path, inputShapes: try shapes.resolved(for: inputs(path), inputInfo))
  }
}
