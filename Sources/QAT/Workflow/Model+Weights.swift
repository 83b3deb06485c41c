import Foundation
import QATFiles
import QATGraph
import QATSafetensors
import QATTensor
import QATTraining

extension Model {
  /// Parameters and running statistics by name, those of quantizers included: PyTorch's `state_dict()`.
  public var stateDictionary: [TensorName: Tensor] { state.tensors() }

  /// Takes over values by name: PyTorch's `load_state_dict`.
  /// - Parameters:
  ///   - stateDictionary: the tensors by name. PyTorch's counters `num_batches_tracked` are passed over.
  ///   - isStrict: whether every tensor of the one must fit one of the other; otherwise what fits is taken over.
  /// - Returns: what was missing, unexpected, and of another shape.
  /// - Throws: `TrainingError` listing every fault, when strict; then nothing has changed.
  @discardableResult
  public func load(stateDictionary: [TensorName: Tensor], strict isStrict: Bool = true) throws(TrainingError) -> StateDictionaryMatch {
    try state.load(stateDictionary, isStrict: isStrict)
  }

  /// Takes over the weights of a file by their names, which are PyTorch's where the file comes from there.
  /// - Parameters:
  ///   - path: a safetensors file, or a model file of the same network.
  ///   - isStrict: whether every tensor must fit.
  /// - Returns: what was missing, unexpected, and of another shape.
  /// - Throws: `TrainingError` listing every fault, when strict; the format's error.
  @discardableResult
  public func loadWeights(_ path: String, strict isStrict: Bool = true) throws -> StateDictionaryMatch {
    let tensors: [TensorName: Tensor]
    if path.hasSuffix(".safetensors") {
      tensors = try Safetensors.read(contentsOf: path).tensors
    } else {
      tensors = try ModelFormat.of(path).read(path).graph.constants.filter { $0.value.role != .fixed }.mapValues(\.tensor)
    }
    do throws(TrainingError) {
      return try load(stateDictionary: tensors, strict: isStrict)
    } catch {
      throw TrainingError(error.kind, "\(path): \(error.description)")
    }
  }

  /// Writes parameters and running statistics as a safetensors file, which any Python program reads.
  /// - Throws: `FileError` when the file cannot be written.
  public func saveWeights(_ path: String) throws {
    try replaceFiles([(path, Data(try Safetensors.encode(stateDictionary, metadata: ["format": "pt"])))])
  }
}
