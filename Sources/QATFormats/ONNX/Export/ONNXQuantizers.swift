/// How a quantized ONNX file says that activations are quantized. Weights are int8 behind a DequantizeLinear in both.
public enum ONNXQuantizers: Sendable, Hashable {
  /// QuantizeLinear and DequantizeLinear, which every runtime knows.
  case linear
  /// FakeQuantize of the domain `org.openvinotoolkit`, which OpenVINO alone reads.
  case openVINO
}

/// How a quantized ONNX file stores weights of at most four bits.
public enum ONNXWeights: Sendable, Hashable {
  /// One a byte, as all others: integer kernels take them.
  case bytes
  /// Two a byte, from opset 21 on: half the size. Runtimes turn them into floating point and compute the layer there.
  case packed
}

extension ONNXFile {
  /// The domain of OpenVINO's own operators.
  static let openVINODomain = "org.openvinotoolkit"
}
