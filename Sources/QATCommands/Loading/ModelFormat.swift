import ArgumentParser
import QAT

/// The formats of model files, by the names that `--format` takes: the one place that says which there are, how a file's name tells them, and how each is
/// read and written.
enum ModelFormat: String, CaseIterable, ExpressibleByArgument {
  case onnx
  case tensorflow

  /// What the names of such files end with.
  var suffix: String {
    switch self {
    case .onnx: ".onnx"
    case .tensorflow: ".pb"
    }
  }

  /// A file of this format when it holds a quantized network, in the words of help texts.
  var description: String {
    switch self {
    case .onnx: "INT8 with QuantizeLinear and DequantizeLinear"
    case .tensorflow: "a frozen graph with fake quantizers"
    }
  }

  /// The format that a file's name says; of several with one suffix the first.
  init?(fileName: String) {
    guard let format = Self.allCases.first(where: { fileName.hasSuffix($0.suffix) && fileName.count > $0.suffix.count }) else { return nil }
    self = format
  }

  /// The suffixes of all formats, for messages: ".onnx or .pb".
  static var suffixes: String { joined(Self.allCases.map(\.suffix)) }

  /// The suffixes of all formats without their dot, for the completion of file names.
  static var extensions: [String] { unique(Self.allCases.map { String($0.suffix.dropFirst()) }) }

  /// Reads a network.
  /// - Parameters:
  ///   - path: path of the file.
  ///   - shapes: shapes that the user gives its inputs.
  ///   - inputInfo: what the configuration says of them.
  /// - Returns: the network, what the file says of itself, and what the user should know.
  /// - Throws: the format's error, when the file holds no network that can be taken.
  func read(_ path: String, _ shapes: [InputShape], _ inputInfo: [InputInfo]) throws -> (graph: Graph, metadata: [String: String], notes: [String]) {
    switch self {
    case .onnx:
      var given: [TensorName: [Dimension]] = [:]
      if !shapes.isEmpty || inputInfo.contains(where: { $0.sampleSize != nil }) {
        let inputs = try ONNXFile.inputs(contentsOf: path).map { FileInput(name: $0.name, sizes: $0.sizes) }
        given = try shapes.resolved(for: inputs, inputInfo)
      }
      let graph = try ONNXFile.read(contentsOf: path, inputShapes: given)
      return (graph, try ONNXFile.metadata(contentsOf: path), ONNXFile.notes(for: graph))
    case .tensorflow:
      guard shapes.isEmpty else { throw CommandError(.usage, "--shape is for ONNX files; a TensorFlow graph says its own shapes") }
      return (try TensorFlowFile.read(contentsOf: path), try TensorFlowFile.metadata(contentsOf: path), [])
    }
  }

  /// Writes a network.
  /// - Parameters:
  ///   - network: the network as it was trained.
  ///   - lowered: the same as integers, when it is quantized.
  ///   - path: where to write; an existing file is replaced.
  ///   - target: the runtime that a quantized file is for.
  ///   - metadata: what the file says of itself.
  /// - Throws: the format's error, when it cannot say the network or the file cannot be written.
  func write(_ network: Graph, _ lowered: LoweredGraph?, to path: String, target: Runtime, metadata: [String: String]) throws {
    switch (self, lowered) {
    case (.onnx, let lowered?): try ONNXFile.write(lowered, to: path, target: target, metadata: metadata)
    case (.onnx, nil): try ONNXFile.write(network, to: path, metadata: metadata)
    case (.tensorflow, let lowered?): try TensorFlowFile.write(lowered, to: path, metadata: metadata)
    case (.tensorflow, nil): try TensorFlowFile.write(network, to: path, metadata: metadata)
    }
  }

  private static func unique(_ words: [String]) -> [String] {
    words.reduce(into: []) { all, word in if !all.contains(word) { all.append(word) } }
  }

  private static func joined(_ words: [String]) -> String {
    let words = unique(words)
    return words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
  }
}
