import QATEngine
import QATGraph
import QATLowering
import QATONNX
import QATOpenVINO
import QATQuantization
import QATTensorFlow
import QATTraining

/// A format of model files: how a file's name tells it, and how such files are read and written.
///
/// `allCases` is the one place that says which there are; a new format is one more row below it.
public struct ModelFormat: Sendable {
  /// What a file holds.
  public struct Contents: Sendable {
    /// The network.
    public var graph: Graph
    /// What the file says of itself.
    public var metadata: [String: String]
    /// What the user should know.
    public var notes: [String] = []
  }

  /// An input of a file, as far as the file says its shape.
  public struct FileInput: Sendable, Hashable {
    /// Its name.
    public var name: TensorName
    /// Its sizes, the batch first; nil where the file leaves a size open.
    public var sizes: [Int?]

    /// An input.
    public init(name: TensorName, sizes: [Int?]) {
      self.name = name
      self.sizes = sizes
    }
  }

  /// What is written.
  public struct Network: Sendable {
    /// The network as it was trained.
    public var graph: Graph
    /// The same as integers, when it is quantized.
    public var lowered: LoweredGraph?
    /// The runtime that a quantized file is for.
    public private(set) var target: Runtime
    /// What the file says of itself.
    public var metadata: [String: String] = [:]

    /// A network with its values, which becomes integers where it is quantized.
    ///
    /// Of `metadata` it does not keep what only holds for the file that it was read from: that writers say anew. Where nothing is quantized, there is no configuration of quantizers.
    /// - Throws: `LoweringError` when it cannot, or when the target is `portable` and the network is not.
    public init(_ graph: Graph, target: Runtime = .onnxRuntime, metadata: [String: String] = [:]) throws {
      self.graph = graph
      self.target = target
      let void = LoweredGraph.metadataKeys + (graph.isQuantized ? [] : [CompressionController.fingerprintKey])
      self.metadata = metadata.filter { !void.contains($0.key) }
      lowered = graph.isQuantized ? try lower(graph) : nil
      try requireTarget()
    }

    /// The same network in a file for another runtime.
    /// - Parameter runtime: the runtime.
    /// - Returns: the network.
    /// - Throws: `LoweringError` when the target is `portable` and the network is not.
    public func targeting(_ runtime: Runtime) throws(LoweringError) -> Network {
      var network = self
      network.target = runtime
      try network.requireTarget()
      return network
    }

    private func requireTarget() throws(LoweringError) {
      if target == .portable { try lowered?.requirePortability() }
    }
  }

  /// What `--format` calls it.
  public let rawValue: String
  /// What the names of such files end with.
  public let suffix: String
  /// The path of the file that belongs to the one at `path`; nil for formats of one file.
  public var companion: (@Sendable (_ path: String) -> String)?
  /// What a user should know of a network in this format, a sentence each.
  public var notes: @Sendable (_ network: Network) -> [String] = { _ in [] }
  /// The runtimes that a quantized file can be for; the first where none is said.
  public let runtimes: [Runtime]
  /// Whether such files are read as well as written.
  public var isReadable = true
  /// Reads the inputs of a file whose open sizes may be given; nil for a format whose files say their own shapes.
  public let inputs: (@Sendable (_ path: String) throws -> [FileInput])?
  private let readFile: @Sendable (_ path: String, _ shapes: [TensorName: [Dimension]]) throws -> Contents
  private let writeFile: @Sendable (_ network: Network, _ path: String) throws -> Void

  /// ONNX.
  public static let onnx = ModelFormat(
    rawValue: "onnx", suffix: ".onnx", runtimes: [.onnxRuntime, .openVINO, .portable],
    inputs: { try ONNXFile.inputs(contentsOf: $0).map { FileInput(name: $0.name, sizes: $0.sizes) } },
    readFile: { path, shapes in
      let graph = try ONNXFile.read(contentsOf: path, inputShapes: shapes)
      return Contents(graph: graph, metadata: try ONNXFile.metadata(contentsOf: path), notes: ONNXFile.notes(for: graph))
    },
    writeFile: { network, path in
      if let lowered = network.lowered {
        try ONNXFile.write(lowered, to: path, target: network.target, metadata: network.metadata)
      } else {
        try ONNXFile.write(network.graph, to: path, metadata: network.metadata)
      }
    })

  /// ONNX whose activations are quantized by OpenVINO's own operator, which OpenVINO alone reads. fp32 networks and reading are those of ONNX.
  public static let onnxFakeQuantize = ModelFormat(
    rawValue: "onnx-fakequantize", suffix: ".onnx", runtimes: [.openVINO], inputs: onnx.inputs, readFile: onnx.readFile,
    writeFile: { network, path in
      if let lowered = network.lowered {
        try ONNXFile.write(lowered, to: path, quantizers: .openVINO, metadata: network.metadata)
      } else {
        try ONNXFile.write(network.graph, to: path, metadata: network.metadata)
      }
    })

  /// ONNX that stores weights of at most four bits two a byte. fp32 networks and reading are those of ONNX.
  public static let onnxInt4 = ModelFormat(
    rawValue: "onnx-int4", suffix: ".onnx", notes: packingNotes, runtimes: onnx.runtimes, inputs: onnx.inputs, readFile: onnx.readFile,
    writeFile: { network, path in
      if let lowered = network.lowered {
        try ONNXFile.write(lowered, to: path, target: network.target, weights: .packed, metadata: network.metadata)
      } else {
        try ONNXFile.write(network.graph, to: path, metadata: network.metadata)
      }
    })

  /// What a user should know of packed weights.
  @Sendable private static func packingNotes(_ network: Network) -> [String] {
    guard let lowered = network.lowered else { return [] }
    let packed = lowered.weights.filter(\.value.fitsFourBits).keys
    if packed.isEmpty { return ["no weight has four bits or fewer: the file is the one of the format onnx"] }
    let wide = lowered.weights.filter { $1.bits <= 4 && !$1.fitsFourBits }.keys.sorted()
    return [
      "\(packed.count) weights are packed, two a byte: smaller, but ONNX Runtime and OpenVINO turn them into floating point today and compute their layers there; "
        + "the format onnx keeps these layers on integers"
    ]
      + wide.map {
        "the weight '\($0)' has the code 8, as a negative factor of batch norm turned a −8 around: four bits do not hold it, it stays int8"
      }
  }

  /// OpenVINO's intermediate representation, which is written only.
  public static let openvino = ModelFormat(
    rawValue: "openvino", suffix: ".xml", companion: OpenVINOFile.constantsPath(beside:), runtimes: [.openVINO, .portable], isReadable: false,
    inputs: nil,
    readFile: { path, _ in
      throw OpenVINOError(
        file: path, "OpenVINO IR is written, not read: give the ONNX file, the frozen graph or the checkpoint that it was made from")
    },
    writeFile: { network, path in
      if let lowered = network.lowered {
        let target = network.target == .portable ? network.target : .openVINO
        try OpenVINOFile.write(lowered, to: path, target: target, metadata: network.metadata)
      } else {
        try OpenVINOFile.write(network.graph, to: path, metadata: network.metadata)
      }
    })

  /// TensorFlow's frozen graphs.
  public static let tensorflow = ModelFormat(
    rawValue: "tensorflow", suffix: ".pb", runtimes: [.tensorFlow, .openVINO], inputs: nil,
    readFile: { path, _ in
      Contents(graph: try TensorFlowFile.read(contentsOf: path), metadata: try TensorFlowFile.metadata(contentsOf: path))
    },
    writeFile: { network, path in
      if let lowered = network.lowered {
        try TensorFlowFile.write(lowered, to: path, target: network.target, metadata: network.metadata)
      } else {
        try TensorFlowFile.write(network.graph, to: path, metadata: network.metadata)
      }
    })

  /// The runtime that a quantized file is for.
  /// - Parameter wanted: what was asked for; nil for what such files are for first.
  /// - Returns: that runtime.
  /// - Throws: `TrainingError` when it cannot read such files.
  public func runtime(_ wanted: Runtime?) throws(TrainingError) -> Runtime {
    guard let wanted else { return runtimes.first ?? .onnxRuntime }
    guard runtimes.contains(wanted) else {
      let others = Self.allCases.filter { $0.runtimes.contains(wanted) }.map(\.rawValue)
      throw TrainingError(
        .input,
        "the format \(rawValue) has no target \(wanted.rawValue), it has \(runtimes.map(\.rawValue).joined(separator: " and ")). "
          + "Formats for \(wanted.rawValue): \(others.joined(separator: ", "))")
    }
    return wanted
  }

  /// Reads a network.
  /// - Parameters:
  ///   - path: path of the file.
  ///   - shapes: shapes of inputs whose sizes the file leaves open, by name.
  /// - Returns: the network, and what the file says besides.
  /// - Throws: the format's error, when the file holds no network that can be taken.
  public func read(_ path: String, inputShapes shapes: [TensorName: [Dimension]] = [:]) throws -> Contents { try readFile(path, shapes) }

  /// Writes a network.
  /// - Parameters:
  ///   - network: the network.
  ///   - path: where to write; an existing file is replaced when the new one is complete.
  /// - Throws: the format's error, when it cannot say the network or the file cannot be written.
  public func write(_ network: Network, to path: String) throws { try writeFile(network, path) }
}

extension ModelFormat: CaseIterable, RawRepresentable, Hashable, CustomStringConvertible {
  /// Its name.
  public var description: String { rawValue }

  /// All formats.
  public static let allCases: [ModelFormat] = [.onnx, .onnxFakeQuantize, .onnxInt4, .tensorflow, .openvino]

  /// The format of that name.
  public init?(rawValue: String) {
    guard let format = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = format
  }

  /// The format that a file's name says; of several with one suffix the first.
  public init?(fileName: String) {
    guard let format = Self.allCases.first(where: { fileName.hasSuffix($0.suffix) && fileName.count > $0.suffix.count }) else { return nil }
    self = format
  }

  /// The suffixes of all formats, each once.
  public static var allSuffixes: [String] { unique(allCases.map(\.suffix)) }

  /// The suffixes of the formats that are read, each once.
  public static var readableSuffixes: [String] { unique(allCases.filter(\.isReadable).map(\.suffix)) }

  /// The suffixes of files that are written, for messages: ".onnx, .pb or .xml".
  public static var suffixes: String { joined(allSuffixes) }

  /// The suffixes of files that are read, for messages: ".onnx or .pb".
  public static var suffixesRead: String { joined(readableSuffixes) }

  private static func unique(_ words: [String]) -> [String] {
    words.reduce(into: []) { all, word in if !all.contains(word) { all.append(word) } }
  }

  private static func joined(_ words: [String]) -> String {
    words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
  }
}

extension Graph {
  /// Whether fake quantizers are in the network.
  public var isQuantized: Bool { nodes.contains { $0.op is FakeQuantize } }
}
