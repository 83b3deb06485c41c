import QATCommunication
import QATDeployment
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

  /// Writes a network and proves that the file computes it.
  /// - Returns: the proof, on samples that are drawn; nil where there is none.
  /// - Throws: the format's error; `TrainingError` when the file computes something else.
  fileprivate func writeProven(_ network: Network, to path: String) throws -> ExportProof? {
    let proof = try WorkPhase.exporting.run {
      try write(network, to: path)
      let samples = try isReadable && network.lowered != nil ? network.samples(Self.proofSampleCount, from: nil) : []
      return try self.proof(of: path, against: network, samples: samples)
    }
    if let proof, !proof.faults.isEmpty {
      throw TrainingError(
        .apart,
        "\(path) computes something else than what was trained, which is a fault of this library; do not deploy it: "
          + proof.faults.joined(separator: "; "))
    }
    return proof
  }
}

extension Model {
  /// Writes the network with its current values: in floating point, or, where it is quantized, as integers. All ranks call it together; rank 0 writes.
  /// - Parameters:
  ///   - path: the file, whose name says its format; an existing one is replaced when the new one is complete.
  ///   - target: the runtime that a quantized file is for; the format's first when nil: ONNX Runtime, TensorFlow for .pb, OpenVINO for .xml.
  ///   - metadata: what the file says of itself, besides the model's `metadata`.
  /// - Returns: the proof that a quantized file computes what was trained, which it is read back for; nil on other ranks, for fp32 and for OpenVINO's IR.
  /// - Throws: `TrainingError` when the name says no format or the runtime reads no such files, or when the file computes something else; `LoweringError` when the network cannot become integers; the
  ///   format's error.
  @discardableResult
  public func export(to path: String, target: Runtime? = nil, metadata: [String: String] = [:]) throws -> ExportProof? {
    let communicator = try currentCommunicator()
    return try communicator.together {
      let format = try ModelFormat.of(path)
      guard communicator.isRoot else { return nil }
      let metadata = self.metadata.merging(metadata) { $1 }
      return try format.writeProven(ModelFormat.Network(trainedGraph(), target: format.runtime(target), metadata: metadata), to: path)
    }
  }
}

extension CompressionController {
  /// Writes the quantized network with its trained values, as integers: NNCF's `export_model`. All ranks call it together; rank 0 writes.
  /// - Parameters:
  ///   - path: the file, whose name says its format.
  ///   - target: the runtime that the file is for; the format's first when nil: ONNX Runtime, TensorFlow for .pb, OpenVINO for .xml.
  ///   - metadata: what the file says of itself, besides the controller's `metadata`.
  /// - Returns: the proof that a quantized file computes what was trained, which it is read back for; nil on other ranks, for fp32 and for OpenVINO's IR.
  /// - Throws: `TrainingError` when the name says no format or the runtime reads no such files, or when the file computes something else; `LoweringError` when the network cannot become integers; the
  ///   format's error.
  @discardableResult
  public func exportModel(to path: String, target: Runtime? = nil, metadata: [String: String] = [:]) throws -> ExportProof? {
    try communicator.together {
      let format = try ModelFormat.of(path)
      guard communicator.isRoot else { return nil }
      let metadata = self.metadata.merging(metadata) { $1 }
      return try format.writeProven(ModelFormat.Network(trainedGraph(), target: format.runtime(target), metadata: metadata), to: path)
    }
  }
}
