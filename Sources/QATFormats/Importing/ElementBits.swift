import Foundation

extension Data {
  /// The bytes as numbers. Files are little-endian, and so is every machine Swift runs on today: elements are copied as they are.
  package func values<Element: BitwiseCopyable>() -> [Element] {
    let count = count / MemoryLayout<Element>.stride
    return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      withUnsafeBytes {
        UnsafeMutableRawBufferPointer(buffer).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: $0.prefix(buffer.count * MemoryLayout<Element>.stride)))
      }
      initialized = count
    }
  }
}

extension Float {
  /// The number of a bfloat16's bits.
  package init(brain bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }

  /// The number of an IEEE 754 binary16's bits, by hand: `Float16` does not exist on every platform.
  package init(half bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let fraction = UInt32(bits & 0x3FF)
    switch Int((bits >> 10) & 0x1F) {
    case 0: self.init(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern)
    case 31: self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    case let exponent: self.init(bitPattern: sign | UInt32(exponent + 112) << 23 | fraction << 13)
    }
  }
}
