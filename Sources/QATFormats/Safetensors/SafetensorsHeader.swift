import QATTensor

/// What the JSON header says: the tensors in the order in which it lists them, and the metadata.
struct SafetensorsHeader {
  var entries: [Entry] = []
  var metadata: [String: String] = [:]

  /// One tensor: `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`. Offsets count from the end of the header.
  struct Entry {
    var name: String
    var elementName: String
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  /// Checks that the tensors cover the buffer exactly: each has the size its shape asks for, they follow one another without a hole or an overlap.
  func check(bufferByteCount: Int) throws(SafetensorsError) {
    // Empty tensors share their offset with the next one, so the end decides after the beginning.
    let ordered = entries.sorted { ($0.begin, $0.end) < ($1.begin, $1.end) }
    var position = 0
    for entry in ordered {
      guard entry.begin == position, entry.end >= entry.begin else {
        throw SafetensorsError(
          tensor: entry.name, "data_offsets [\(entry.begin), \(entry.end)] leave a hole or overlap: the tensors before it end at byte \(position)")
      }
      guard entry.end <= bufferByteCount else {
        throw SafetensorsError(tensor: entry.name, "data_offsets end at byte \(entry.end), the file has \(bufferByteCount) bytes of data: truncated?")
      }
      let size = try entry.byteCount()
      guard entry.end - entry.begin == size else {
        throw SafetensorsError(
          tensor: entry.name, "\(entry.elementName) of shape \(entry.shape) takes \(size) bytes, data_offsets span \(entry.end - entry.begin)")
      }
      position = entry.end
    }
    guard position == bufferByteCount else {
      throw SafetensorsError("the tensors end at byte \(position) of the data, but \(bufferByteCount) bytes are there")
    }
  }
}

extension SafetensorsHeader.Entry {
  /// The bytes that shape and element type ask for.
  func byteCount() throws(SafetensorsError) -> Int {
    guard let width = Self.elementByteCounts[elementName] else {
      let known = Self.elementByteCounts.keys.sorted().joined(separator: ", ")
      throw SafetensorsError(tensor: name, "the element type '\(elementName)' is not supported; supported are \(known)")
    }
    var total = width
    // A zero does not excuse its neighbours: strides are products of them alone.
    for size in shape where size != 0 {
      let (product, overflow) = total.multipliedReportingOverflow(by: size)
      guard !overflow else { throw SafetensorsError(tensor: name, "the shape \(shape) spans more bytes than can be addressed") }
      total = product
    }
    return shape.contains(0) ? 0 : total
  }

  static let elementByteCounts = ["F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "BOOL": 1]

  /// The elements, from exactly the tensor's bytes.
  func elements(from bytes: UnsafeRawBufferPointer) throws(SafetensorsError) -> Tensor.Elements {
    switch elementName {
    case "F64": return .float64(Self.array(bytes))
    case "F32": return .float32(Self.array(bytes))
    case "I64": return .int64(Self.array(bytes))
    case "I32": return .int32(Self.array(bytes))
    case "I8": return .int8(Self.array(bytes))
    case "U8": return .uint8(Self.array(bytes))
    case "F16":
      let bits: [UInt16] = Self.array(bytes)
      return .float32(bits.map(Self.widenHalf))
    case "BF16":
      let bits: [UInt16] = Self.array(bytes)
      return .float32(bits.map { Float(bitPattern: UInt32($0) << 16) })
    case "BOOL":
      guard bytes.allSatisfy({ $0 < 2 }) else { throw SafetensorsError(tensor: name, "a BOOL element is neither 0 nor 1") }
      return .bool(bytes.map { $0 == 1 })
    default: throw SafetensorsError(tensor: name, "the element type '\(elementName)' is not supported")
    }
  }

  // The format is little-endian, and so is every machine Swift runs on today: elements are copied as they are.
  private static func array<Element: BitwiseCopyable>(_ bytes: UnsafeRawBufferPointer) -> [Element] {
    [Element](unsafeUninitializedCapacity: bytes.count / MemoryLayout<Element>.stride) { buffer, count in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
      count = bytes.count / MemoryLayout<Element>.stride
    }
  }

  /// IEEE 754 binary16 to binary32, by hand: `Float16` does not exist on every platform.
  static func widenHalf(_ bits: UInt16) -> Float {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int((bits >> 10) & 0x1F)
    let fraction = bits & 0x3FF
    switch exponent {
    case 0: return sign * Float(fraction) * 0x1p-24
    case 31: return Float(bitPattern: (UInt32(bits & 0x8000) << 16) | 0x7F80_0000 | (UInt32(fraction) << 13))
    default: return Float(bitPattern: (UInt32(bits & 0x8000) << 16) | (UInt32(exponent + 112) << 23) | (UInt32(fraction) << 13))
    }
  }
}
