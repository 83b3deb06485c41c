import Foundation
import QATEngine

/// The Python interpreter that has the real runtimes, and the scripts of this folder.
struct PythonRuntime {
  /// Why a script did not run to its end.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let here = URL(filePath: #filePath).deletingLastPathComponent()

  /// QAT_TEST_PYTHON, or the interpreter of the environment that scripts/test makes below the package's root.
  private static func interpreter() throws -> URL {
    let given = ProcessInfo.processInfo.environment["QAT_TEST_PYTHON"]
    let url = given.map { URL(filePath: $0) } ?? here.appending(path: "../../.test-env/bin/python").standardizedFileURL
    guard FileManager.default.isExecutableFile(atPath: url.path) else {
      throw Failure(
        description: """
          There is no Python interpreter at \(url.path). These tests run the real onnx and onnxruntime packages: run scripts/test, which makes the \
          environment, or set QAT_TEST_PYTHON to a Python 3 that has what scripts/test-requirements.txt lists.
          """)
    }
    return url
  }

  /// Runs `script` and decodes the JSON that it prints.
  static func run<Result: Decodable>(_ script: String, _ arguments: [String], as: Result.Type = Result.self) throws -> Result {
    let process = Process()
    process.executableURL = try interpreter()
    process.arguments = [here.appending(path: "Python/\(script)").path] + arguments
    // Messages go to a file: a pipe that nobody reads while the script runs could fill up.
    let folder = try TemporaryFolder()
    let messages = folder.file("messages")
    _ = FileManager.default.createFile(atPath: messages, contents: nil)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: messages)
    try process.run()
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let text = (try? String(contentsOfFile: messages, encoding: .utf8)) ?? ""
      throw Failure(description: "\(script) ended with \(process.terminationStatus):\n\(text.suffix(4000))")
    }
    return try JSONDecoder().decode(Result.self, from: printed)
  }
}

extension PythonRuntime {
  /// Outputs and codes that ONNX Runtime computes, by tensor name.
  static func outputs(of model: String, on images: NDArray<Float>, in folder: TemporaryFolder) throws -> [String: [Float]] {
    let input = folder.file("input")
    try images.elements.withUnsafeBytes { Data($0) }.write(to: URL(filePath: input))
    let files = try run("run.py", [model, input, "\(images.shape)", folder.path], as: [String: String].self)
    return try files.mapValues { file in
      let data = try Data(contentsOf: URL(filePath: file))
      return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
  }
}

/// A folder that goes with its owner.
final class TemporaryFolder {
  private let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "qat-interop-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Path of the folder.
  var path: String { url.path }

  /// Path of a file in the folder.
  func file(_ name: String) -> String { url.appending(path: name).path }
}
