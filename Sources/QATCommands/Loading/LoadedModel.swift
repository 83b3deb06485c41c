import Foundation
import QAT

/// A network and where it comes from.
struct LoadedModel {
  var graph: Graph
  /// Size of its file; nil for an architecture of ours.
  var fileSize: Int?
  /// The file's own notes, such as the normalisation of pixels; empty for an architecture.
  var metadata: [String: String] = [:]
  /// What the user should know of it.
  var notes: [String] = []
  /// The run that it is a checkpoint of; nil for files and architectures. Then `graph` is as it was trained.
  var restored: RestoredRun?
  /// The format of its file; nil for architectures and checkpoints.
  private(set) var format: ModelFormat?

  /// The runtime that a quantized network is for.
  var runtime: Runtime { ModelMetadata.target(metadata) ?? format?.runtimes.first ?? .onnxRuntime }

  /// Reads a file or a checkpoint, or makes the architecture of that name.
  /// - Parameters:
  ///   - name: a model file, the folder of a run or of a checkpoint, or the name of an architecture.
  ///   - format: the file's format; what its name says when nil.
  ///   - classes: classes of an architecture; its published number when nil.
  ///   - seed: seed of an architecture's initial weights.
  ///   - shapes: shapes that the user gives a file's inputs.
  ///   - inputInfo: what the configuration says of them.
  /// - Throws: the format's error when the file is no network; `CommandError` when the name says nothing that can be read.
  init(
    _ name: String, format: ModelFormat? = nil, classes: Int?, seed: UInt64, shapes: [InputShape] = [], inputInfo: [InputInfo] = []
  ) throws {
    if !shapes.isEmpty, format ?? ModelFormat(fileName: name) == nil {
      throw CommandError(.usage, "--shape is for model files, '\(name)' has its own shapes")
    }
    if format == nil, RestoredRun.isPlace(name) {
      self.init(try RestoredRun(name))
    } else {
      try self.init(fileOrArchitecture: name, format, classes: classes, seed: seed, shapes, inputInfo)
    }
  }

  private init(
    fileOrArchitecture name: String, _ format: ModelFormat?, classes: Int?, seed: UInt64, _ shapes: [InputShape], _ inputInfo: [InputInfo]
  ) throws {
    if format == nil, architectureNames.contains(name) {
      let count = classes ?? defaultClassCount(ofArchitecture: name)
      guard let graph = architecture(named: name, classes: count, seed: seed) else {
        throw CommandError(.input, "there is no architecture '\(name)' with \(count) classes")
      }
      self.graph = graph
      return
    }
    guard let format = format ?? ModelFormat(fileName: name) else { throw CommandError(.input, Self.unknown(name)) }
    let file = try format.read(name, shapes, inputInfo)
    (graph, metadata, notes) = (file.graph, file.metadata, file.notes)
    self.format = format
    fileSize = LoadedModel.size(ofFile: name)
  }

  /// The network of a checkpoint, as it was trained.
  init(_ restored: RestoredRun) {
    self.restored = restored
    graph = restored.trained
    metadata = restored.metadata
  }

  /// Size of a file in bytes, nil when it cannot be told.
  static func size(ofFile path: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.size].flatMap { ($0 as? NSNumber)?.intValue }
  }

  private static func unknown(_ name: String) -> String {
    let sentence = "the model '\(name)' is neither a model file (\(ModelFormat.suffixesRead)), nor a run or a checkpoint, nor an architecture"
    if let nearest = NearestWord.to(name, among: architectureNames) { return "\(sentence): did you mean '\(nearest)'?" }
    return "\(sentence) (\(architectureNames.joined(separator: ", ")))"
  }
}
