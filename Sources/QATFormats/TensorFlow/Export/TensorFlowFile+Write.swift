import Foundation
import QATFiles
import QATGraph
import QATLowering

extension TensorFlowFile {
  /// Writes a graph as a frozen fp32 graph: images NHWC, tensor names as in the graph as far as TensorFlow allows them, batch normalisation kept, the batch open.
  ///
  /// Equal graphs give equal bytes. The file appears complete or not at all.
  /// - Parameters:
  ///   - graph: a network without fake quantizers.
  ///   - path: where to write; an existing file is replaced.
  ///   - metadata: strings that the file carries; `metadata(contentsOf:)` gives them back.
  /// - Throws: `TensorFlowError` when the graph is not a network, holds what TensorFlow cannot say, or the file cannot be written.
  public static func write(_ graph: Graph, to path: String, metadata: [String: String] = [:]) throws {
    do throws(TensorFlowError) {
      try replaceFile(at: path, with: encode(graph, nil, metadata: metadata))
    } catch var error {
      error.file = path
      throw error
    }
  }

  /// Writes a lowered network as a frozen graph with FakeQuantWithMinMaxVars, batch norm folded.
  ///
  /// Weights stand on their grid already and pass a quantizer with ±127 steps and a narrow range, which leaves them as they are: the form that OpenVINO
  /// executes on integers at every bit width. Ranges of activations are exact multiples of the step, so that TensorFlow's nudging moves none of them.
  /// - Parameters:
  ///   - lowered: what `lower(_:)` made of a fake-quantized network.
  ///   - path: where to write; an existing file is replaced.
  ///   - target: the runtime that the file is for, TensorFlow or OpenVINO: the same network, and a note of which.
  ///   - metadata: strings that the file carries; `quantization` and `target` are added.
  /// - Throws: `TensorFlowError` when the network holds what TensorFlow cannot say, or the file cannot be written.
  public static func write(_ lowered: LoweredGraph, to path: String, target: Runtime = .tensorFlow, metadata: [String: String] = [:]) throws {
    let metadata = lowered.metadata(for: target, joining: metadata)
    do throws(TensorFlowError) {
      try replaceFile(at: path, with: encode(lowered.simulation, lowered, metadata: metadata))
    } catch var error {
      error.file = path
      throw error
    }
  }

  /// The bytes of the file that `write` writes.
  static func encode(_ graph: Graph, _ lowered: LoweredGraph?, metadata: [String: String] = [:]) throws(TensorFlowError) -> Data {
    var writer = try TensorFlowWriter(graph, lowered)
    writer.writeInputs(metadata: metadata)
    for node in graph.nodes { try writer.write(node) }
    try writer.writeOutputs()
    return try writer.builder.encoded()
  }

  /// Writes a file that appears complete or not at all.
  private static func replaceFile(at path: String, with data: Data) throws(TensorFlowError) {
    do throws(FileError) {
      try replaceFiles([(path, data)])
    } catch {
      throw TensorFlowError(file: path, error.reason)
    }
  }
}
