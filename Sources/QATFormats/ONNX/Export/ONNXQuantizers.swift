/// How a quantized ONNX file says that activations are quantized. Weights are int8 behind a DequantizeLinear in both.
public enum ONNXQuantizers: Sendable, Hashable {
  /// QuantizeLinear and DequantizeLinear, which every runtime knows.
  case linear
  /// FakeQuantize of the domain `org.openvinotoolkit`, which OpenVINO alone reads.
  case openVINO
}

extension ONNXFile {
  /// The domain of OpenVINO's own operators.
  static let openVINODomain = "org.openvinotoolkit"
}
