import Foundation
import QATGraph
import QATLowering

extension ONNXFile {
  /// Writes a lowered network with QuantizeLinear and DequantizeLinear: int8 weights, int32 biases, uint8 activations, batch norm folded.
  ///
  /// Opset 13 (14 with HardSwish, 21 with packed weights), names as in the network, the batch a dimension named `batch`. The forms are those that ONNX Runtime and OpenVINO
  /// replace by integer kernels. Equal networks give equal bytes. The file appears complete or not at all.
  /// - Parameters:
  ///   - lowered: what `lower(_:)` made of a fake-quantized network.
  ///   - path: where to write; an existing file is replaced.
  ///   - target: the runtime that the file is for. OpenVINO's gets an activation of slope 1 in front of the quantizer of each `ResidualBranch`, which
  ///     other runtimes compute as well, but ONNX Runtime computes the convolution before it in floating point; the portable one's a maximum over one element behind it, which
  ///     keeps the rounding in OpenVINO and the integers in ONNX Runtime.
  ///   - quantizers: how quantizers of activations are written. OpenVINO's own form is for OpenVINO, whatever the target.
  ///   - weights: how weights of at most four bits are stored.
  ///   - metadata: strings for the file's `metadata_props`; `quantization` and `target` are added.
  /// - Throws: `ONNXError` when the network holds what ONNX cannot say, or the file cannot be written.
  public static func write(
    _ lowered: LoweredGraph, to path: String, target: Runtime = .onnxRuntime, quantizers: ONNXQuantizers = .linear, weights: ONNXWeights = .bytes,
    metadata: [String: String] = [:]
  ) throws {
    do throws(ONNXError) {
      let name = dataName(beside: path)
      try replaceFile(
        at: path, with: encode(lowered, target: target, quantizers: quantizers, weights: weights, metadata: metadata, dataName: name))
    } catch var error {
      error.file = path
      throw error
    }
  }

  /// The files that `write(_:to:target:quantizers:weights:metadata:)` writes.
  static func encode(
    _ lowered: LoweredGraph, target: Runtime = .onnxRuntime, quantizers: ONNXQuantizers = .linear, weights: ONNXWeights = .bytes,
    metadata: [String: String] = [:], limit: Int = inlineLimit, dataName: String = ""
  ) throws(ONNXError) -> Contents {
    let target = quantizers == .openVINO ? Runtime.openVINO : target
    if target == .portable {
      do throws(LoweringError) { try lowered.requirePortability() } catch { throw ONNXError(node: error.node, error.reason) }
    }
    let types: [TensorName: TensorType]
    do throws(GraphError) {
      types = try lowered.simulation.validated().tensorTypes()
    } catch {
      throw ONNXError(node: error.node, error.reason)
    }
    var writer = QuantizedGraphWriter(lowered, target: target, quantizers: quantizers, weights: weights)
    for node in lowered.simulation.nodes { try writer.write(node) }
    for name in lowered.simulation.outputs {
      if let type = types[name] { writer.builder.output(name, type) }
    }
    let form = (quantizers == .linear ? "QDQ" : "FakeQuantize") + (weights == .packed ? " with packed weights" : "")
    return try writer.builder.encoded(metadata: lowered.metadata(for: target, form: form, joining: metadata), limit: limit, dataName: dataName)
  }
}
