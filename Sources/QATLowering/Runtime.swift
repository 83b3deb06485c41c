import QATGraph

/// A program that runs exported networks, each with integer kernels of its own.
public enum Runtime: String, Sendable, Hashable, Codable, CaseIterable {
  /// ONNX Runtime's CPU provider.
  case onnxRuntime = "onnxruntime"
  /// OpenVINO's CPU plugin.
  case openVINO = "openvino"

  /// The runtime's name.
  public var name: String {
    switch self {
    case .onnxRuntime: "ONNX Runtime"
    case .openVINO: "OpenVINO"
    }
  }
}
