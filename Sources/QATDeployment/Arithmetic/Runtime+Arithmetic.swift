import QATLowering

extension Runtime {
  /// The runtime's formulas.
  var arithmetic: any RuntimeArithmetic {
    switch self {
    case .onnxRuntime: ONNXRuntimeArithmetic()
    case .openVINO: OpenVINOArithmetic()
    case .tensorFlow: TensorFlowArithmetic()
    case .portable: PortableArithmetic()
    }
  }
}
