import QATCommunication
import QATGraph
import QATTensor

extension Fingerprint {
  /// Nodes, names, shapes and values of a network.
  package mutating func feed(_ graph: Graph) {
    feed("\(graph.inputs) \(graph.outputs)")
    for node in graph.nodes { feed("\(node.name) \(node.op) \(node.inputs) \(node.outputs)") }
    for (name, constant) in graph.constants.sorted(by: { $0.key < $1.key }) {
      feed("\(name) \(constant.role)")
      feed(constant.tensor)
    }
  }

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
}
