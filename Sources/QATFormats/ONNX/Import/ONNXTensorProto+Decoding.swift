import Foundation
import QATGraph
import QATImporting
import QATTensor

extension ONNXTensorProto {
  /// The tensor's value. float16, bfloat16 and float64 become float32; 4-bit, 16-bit and unsigned 32-bit integers become wider ones.
  /// - Parameter external: where data outside the file is found.
  /// - Returns: the tensor.
  /// - Throws: `ONNXError` when dimensions and data do not agree, or the element type has no counterpart.
  func decoded(_ external: ONNXExternalData) throws(ONNXError) -> Tensor {
    let type = DataType(rawValue: Int(dataType)) ?? .undefined
    let shape = try checkedShape()
    let count = shape.elementCount
    if dataLocation == .external {
      let length = try byteCount(type, count)
      return Tensor(shape: shape, elements: try elements(type, raw: external.data(of: self, byteCount: length), count))
    }
    if hasRawData {
      let length = try byteCount(type, count)
      guard rawData.count == length else {
        throw fault("raw_data has \(rawData.count) bytes, the \(count) elements of a \(type) tensor of shape \(shape) have \(length)")
      }
      return Tensor(shape: shape, elements: try elements(type, raw: rawData, count))
    }
    let elements = try typedElements(type, count)
    guard elements.count == count else { throw fault("it has \(elements.count) elements, its shape \(shape) asks for \(count)") }
    return Tensor(shape: shape, elements: elements)
  }

  /// The dimensions, none negative and their product bounded.
  private func checkedShape() throws(ONNXError) -> [Int] {
    let shape = dims.map(Int.init)
    guard shape.count <= 64, shape.map(Dimension.fixed).boundedElementCount != nil else {
      throw fault("its dimensions \(shape.prefix(8)) are negative or too large")
    }
    return shape
  }

  private func fault(_ reason: String) -> ONNXError { ONNXError(tensor: name, reason) }

  private func unsupported(_ type: DataType) -> ONNXError {
    fault("the element type \(type) (data_type \(dataType)) is not supported")
  }

  private static func width(_ type: DataType) -> Int? {
    switch type {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float, .int32, .uint32: 4
    case .double, .int64: 8
    default: nil
    }
  }

  /// The size of `count` elements.
  private func byteCount(_ type: DataType, _ count: Int) throws(ONNXError) -> Int {
    if fourBitRange != nil { return count / 2 + count % 2 }
    guard let width = Self.width(type) else { throw unsupported(type) }
    let (length, overflow) = count.multipliedReportingOverflow(by: width)
    guard !overflow else { throw fault("its \(count) elements span more bytes than can be addressed") }
    return length
  }

  /// Elements from bytes whose count has been checked.
  private func elements(_ type: DataType, raw: Data, _ count: Int) throws(ONNXError) -> Tensor.Elements {
    switch type {
    case .int4: .int8(Self.signed(Self.halves(raw, count: count)))
    case .uint4: .uint8(Self.halves(raw, count: count))
    case .float: .float32(raw.values())
    case .double: .float32(raw.values().map { (value: Double) in Float(value) })
    case .float16: .float32(raw.values().map(Float.init(half:)))
    case .bfloat16: .float32(raw.values().map(Float.init(brain:)))
    case .int8: .int8(raw.values())
    case .uint8: .uint8(raw.values())
    case .int16: .int32(raw.values().map { (value: Int16) in Int32(value) })
    case .uint16: .int32(raw.values().map { (value: UInt16) in Int32(value) })
    case .int32: .int32(raw.values())
    case .uint32: .int64(raw.values().map { (value: UInt32) in Int64(value) })
    case .int64: .int64(raw.values())
    case .bool: .bool(raw.map { $0 != 0 })
    default: throw unsupported(type)
    }
  }

  /// Elements from the typed fields. Narrow types lie in `int32_data`, one element an entry, or two of four bits; half-precision numbers as their bits.
  private func typedElements(_ type: DataType, _ count: Int) throws(ONNXError) -> Tensor.Elements {
    switch type {
    case .int4: .int8(Self.signed(Self.halves(int32Data.map { UInt8(truncatingIfNeeded: $0) }, count: count)))
    case .uint4: .uint8(Self.halves(int32Data.map { UInt8(truncatingIfNeeded: $0) }, count: count))
    case .float: .float32(floatData)
    case .double: .float32(doubleData.map { Float($0) })
    case .float16: .float32(int32Data.map { Float(half: UInt16(truncatingIfNeeded: $0)) })
    case .bfloat16: .float32(int32Data.map { Float(brain: UInt16(truncatingIfNeeded: $0)) })
    case .int8: .int8(int32Data.map { Int8(truncatingIfNeeded: $0) })
    case .uint8: .uint8(int32Data.map { UInt8(truncatingIfNeeded: $0) })
    case .int16, .uint16, .int32: .int32(int32Data)
    case .int64: .int64(int64Data)
    case .uint32: .int64(uint64Data.map { Int64(truncatingIfNeeded: $0) })
    case .bool: .bool(int32Data.map { $0 != 0 })
    default: throw unsupported(type)
    }
  }
}
