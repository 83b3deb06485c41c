import Foundation
import QATTensor

/// Integers of four bits, two a byte, the lower half first. Source: ONNX's TensorProto, types INT4 and UINT4, from opset 21 on.
extension ONNXTensorProto {
  /// The numbers that the tensor's type holds; nil for types of other widths.
  var fourBitRange: ClosedRange<Int>? {
    switch DataType(rawValue: Int(dataType)) {
    case .int4: -8...7
    case .uint4: 0...15
    default: nil
    }
  }

  /// A tensor of signed numbers of four bits: `codes`, each in −8...7.
  init(fourBits codes: [Int8], shape: [Int], name: String) {
    self.init()
    self.name = name
    dims = shape.map(Int64.init)
    dataType = Int32(DataType.int4.rawValue)
    rawData = Data(
      stride(from: 0, to: codes.count, by: 2).map { index in
        let upper = index + 1 < codes.count ? UInt8(bitPattern: codes[index + 1]) << 4 : 0
        return upper | UInt8(bitPattern: codes[index]) & 0xF
      })
  }

  /// The halves of `bytes`, of which the last one is padding when `count` is odd.
  static func halves(_ bytes: some Sequence<UInt8>, count: Int) -> [UInt8] {
    let halves = bytes.flatMap { [$0 & 0xF, $0 >> 4] }
    return halves.count == count + 1 ? halves.dropLast() : halves
  }

  /// Halves of bytes as numbers with a sign.
  static func signed(_ halves: [UInt8]) -> [Int8] { halves.map { Int8(bitPattern: $0 << 4) >> 4 } }
}
