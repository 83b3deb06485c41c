import Foundation
import QATGraph
import QATImporting
import QATTensor

extension TFTensorProto {
  /// The tensor's value. Half, bfloat16 and double become float32; 16-bit and unsigned 32-bit integers become wider ones.
  /// - Parameter node: the name of the node that holds it, for errors.
  /// - Returns: the tensor.
  /// - Throws: `TensorFlowError` when dimensions and data do not agree, or the element type has no counterpart.
  func decoded(_ node: String) throws(TensorFlowError) -> Tensor {
    let shape = tensorShape.dim.map { Int($0.size) }
    guard !tensorShape.unknownRank, shape.count <= 64, shape.map(Dimension.fixed).boundedElementCount != nil else {
      throw TensorFlowError(node: node, "the dimensions \(shape.prefix(8)) of its value are not known, negative or too large")
    }
    let count = shape.elementCount
    guard let type = Layout(dtype) else { throw TensorFlowError(unsupported: [.init(type: "Const", node: node, reason: "of \(dtype)")]) }
    if !tensorContent.isEmpty || count == 0 {
      guard tensorContent.count % type.width == 0, tensorContent.count / type.width == count else {
        throw TensorFlowError(
          node: node,
          "tensor_content has \(tensorContent.count) bytes, a \(dtype) tensor of shape \(shape) has \(count) elements of \(type.width) bytes")
      }
      return Tensor(shape: shape, elements: type.elements(tensorContent))
    }
    var given = typedElements
    // A tensor without values is zero.
    if given.count == 0 { given = type.elements(Data(count: type.width)) }
    // A shorter list repeats its last element, but what a few bytes can ask for has a limit.
    guard given.count <= count, count <= 1 << 28 else {
      throw TensorFlowError(node: node, "its value has \(given.count) elements, its shape \(shape) asks for \(count)")
    }
    if given.count == count { return Tensor(shape: shape, elements: given) }
    return Tensor(shape: shape, elements: given.gathered((0..<count).map { min($0, given.count - 1) }))
  }

  /// How elements lie in `tensor_content`.
  private struct Layout {
    var width: Int
    var elements: (Data) -> Tensor.Elements

    init?(_ type: TFDataType) {
      (width, elements) =
        switch type {
        case .dtFloat: (4, { .float32($0.values()) })
        case .dtDouble: (8, { .float32($0.values().map { (value: Double) in Float(value) }) })
        case .dtHalf: (2, { .float32($0.values().map(Float.init(half:))) })
        case .dtBfloat16: (2, { .float32($0.values().map(Float.init(brain:))) })
        case .dtInt8: (1, { .int8($0.values()) })
        case .dtUint8: (1, { .uint8($0.values()) })
        case .dtInt16: (2, { .int32($0.values().map { (value: Int16) in Int32(value) }) })
        case .dtUint16: (2, { .int32($0.values().map { (value: UInt16) in Int32(value) }) })
        case .dtInt32: (4, { .int32($0.values()) })
        case .dtUint32: (4, { .int64($0.values().map { (value: UInt32) in Int64(value) }) })
        case .dtInt64: (8, { .int64($0.values()) })
        case .dtBool: (1, { .bool($0.map { $0 != 0 }) })
        default: (0, { _ in .bool([]) })
        }
      if width == 0 { return nil }
    }
  }

  /// Elements from the typed fields, as many as the file gives.
  private var typedElements: Tensor.Elements {
    switch dtype {
    case .dtFloat: .float32(floatVal)
    case .dtDouble: .float32(doubleVal.map { Float($0) })
    case .dtHalf: .float32(halfVal.map { Float(half: UInt16(truncatingIfNeeded: $0)) })
    case .dtBfloat16: .float32(halfVal.map { Float(brain: UInt16(truncatingIfNeeded: $0)) })
    case .dtInt8: .int8(intVal.map { Int8(truncatingIfNeeded: $0) })
    case .dtUint8: .uint8(intVal.map { UInt8(truncatingIfNeeded: $0) })
    case .dtInt16, .dtUint16, .dtInt32: .int32(intVal)
    case .dtUint32: .int64(uint32Val.map(Int64.init))
    case .dtInt64: .int64(int64Val)
    default: .bool(boolVal)
    }
  }
}
