import QATGraph

/// A program that runs exported networks, each with kernels of its own.
public enum Runtime: String, Sendable, Hashable, Codable, CaseIterable {
  /// ONNX Runtime's CPU provider.
  case onnxRuntime = "onnxruntime"
  /// OpenVINO's CPU plugin.
  case openVINO = "openvino"
  /// TensorFlow's CPU kernels: fake quantizers between layers of floats.
  case tensorFlow = "tensorflow"
  /// Any of ONNX Runtime and OpenVINO, and plain fake quantization: networks whose scales are powers of two have the same codes in all of them.
  case portable

  /// The runtime's name.
  public var name: String {
    switch self {
    case .onnxRuntime: "ONNX Runtime"
    case .openVINO: "OpenVINO"
    case .tensorFlow: "TensorFlow"
    case .portable: "every runtime"
    }
  }

  /// Whether it has integer kernels for quantized layers. Others compute on the floats for which codes stand.
  public var computesOnIntegers: Bool { self != .tensorFlow }

  /// The programs with integer kernels.
  public static let withIntegerKernels: [Runtime] = [.onnxRuntime, .openVINO]
}
