import QATCommunication
import QATEngine
import QATLowering
import QATQuantization
import QATTraining

extension ModelFormat {
  /// The format that a file's name says.
  /// - Throws: `TrainingError` when it says none.
  static func of(_ path: String) throws(TrainingError) -> ModelFormat {
    guard let format = ModelFormat(fileName: path) else {
      throw TrainingError(.input, "'\(path)' ends with no format of model files: give a name that ends with \(suffixes)")
    }
    return format
  }
}

extension Model {
  /// Writes the network with its current values: in floating point, or, where it is quantized, as integers. All ranks call it together; rank 0 writes.
  /// - Parameters:
  ///   - path: the file, whose name says its format; an existing one is replaced when the new one is complete.
  ///   - target: the runtime that a quantized file is for.
  ///   - metadata: what the file says of itself, besides the model's `metadata`.
  /// - Throws: `TrainingError` when the name says no format; `LoweringError` when the network cannot become integers; the format's error.
  public func export(to path: String, target: Runtime = .onnxRuntime, metadata: [String: String] = [:]) throws {
    let communicator = try currentCommunicator()
    try communicator.together {
      let format = try ModelFormat.of(path)
      guard communicator.isRoot else { return }
      let metadata = self.metadata.merging(metadata) { $1 }
      try format.write(ModelFormat.Network(trainedGraph(), target: target, metadata: metadata), to: path)
    }
  }
}

extension CompressionController {
  /// Writes the quantized network with its trained values, as integers: NNCF's `export_model`. All ranks call it together; rank 0 writes.
  /// - Parameters:
  ///   - path: the file, whose name says its format.
  ///   - target: the runtime that the file is for.
  ///   - metadata: what the file says of itself, besides the controller's `metadata`.
  /// - Throws: `TrainingError` when the name says no format; `LoweringError` when the network cannot become integers; the format's error.
  public func exportModel(to path: String, target: Runtime = .onnxRuntime, metadata: [String: String] = [:]) throws {
    try communicator.together {
      let format = try ModelFormat.of(path)
      guard communicator.isRoot else { return }
      let metadata = self.metadata.merging(metadata) { $1 }
      try format.write(ModelFormat.Network(trainedGraph(), target: target, metadata: metadata), to: path)
    }
  }
}
