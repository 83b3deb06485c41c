import Foundation
import QATTensor

extension ONNXTensorProto {
  /// A tensor with its elements in `raw_data`, little-endian and row-major, as the machine holds them.
  init(_ tensor: Tensor, name: String) {
    self.init()
    self.name = name
    dims = tensor.shape.map(Int64.init)
    switch tensor.elements {
    case .float32(let values): fill(.float, values)
    case .float64(let values): fill(.double, values)
    case .int8(let values): fill(.int8, values)
    case .uint8(let values): fill(.uint8, values)
    case .int32(let values): fill(.int32, values)
    case .int64(let values): fill(.int64, values)
    case .bool(let values): fill(.bool, values)
    }
  }

  private mutating func fill<Element: BitwiseCopyable>(_ type: DataType, _ values: [Element]) {
    dataType = Int32(type.rawValue)
    rawData = values.withUnsafeBytes { Data($0) }
  }
}

extension ElementType {
  /// ONNX's number for the type.
  var onnxDataType: ONNXTensorProto.DataType {
    switch self {
    case .float32: .float
    case .float64: .double
    case .int8: .int8
    case .uint8: .uint8
    case .int32: .int32
    case .int64: .int64
    case .bool: .bool
    }
  }
}
