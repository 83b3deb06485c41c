import CTrainingSupport

/// A 64-bit hash of everything fed to it, the same on every machine (FNV-1a). Against accidents, not against adversaries.
package struct Fingerprint {
  package private(set) var value: UInt64 = 0

  package init() {}

  package mutating func feed(_ bytes: UnsafeRawBufferPointer) { value = qat_fnv1a(value, bytes.baseAddress, bytes.count) }

  package mutating func feed(_ text: String) {
    var text = text
    // The terminator keeps "ab", "c" apart from "a", "bc".
    text.withUTF8 { feed(UnsafeRawBufferPointer($0)) }
    withUnsafeBytes(of: UInt8(0)) { feed($0) }
  }

  package mutating func feed(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { feed($0) } }

  /// Sixteen hexadecimal digits.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
