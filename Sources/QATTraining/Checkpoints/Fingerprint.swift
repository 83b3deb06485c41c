import CTrainingSupport
import QATGraph
import QATTensor

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

  mutating func feed(_ tensor: Tensor) {
    feed("\(tensor.elementType) \(tensor.shape)")
    switch tensor.elements {
    case .float32(let values): values.withUnsafeBytes { feed($0) }
    case .float64(let values): values.withUnsafeBytes { feed($0) }
    case .int8(let values): values.withUnsafeBytes { feed($0) }
    case .uint8(let values): values.withUnsafeBytes { feed($0) }
    case .int32(let values): values.withUnsafeBytes { feed($0) }
    case .int64(let values): values.withUnsafeBytes { feed($0) }
    case .bool(let values): values.withUnsafeBytes { feed($0) }
    }
  }

  /// Nodes, names, shapes and values of a network.
  package mutating func feed(_ graph: Graph) {
    feed("\(graph.inputs) \(graph.outputs)")
    for node in graph.nodes { feed("\(node.name) \(node.op) \(node.inputs) \(node.outputs)") }
    for (name, constant) in graph.constants.sorted(by: { $0.key < $1.key }) {
      feed("\(name) \(constant.role)")
      feed(constant.tensor)
    }
  }

  /// Sixteen hexadecimal digits.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
