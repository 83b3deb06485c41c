import QATGraph
import QATImporting
import QATTensor

/// The network's inputs.
extension TensorFlowImporter {
  static let sources: [String: OperatorImporter] = [
    "Placeholder": placeholder,
    "Const": { importer, node throws(TensorFlowError) in
      guard let proto = try node.tensor("value") else { throw node.error("Const needs the attribute 'value'") }
      try importer.bind(node.name, to: .constant(try proto.decoded(node.name), origin: node.name), node)
    },
    "PlaceholderWithDefault": hand, "Identity": hand, "IdentityN": hand, "StopGradient": hand, "PreventGradient": hand, "CheckNumerics": hand,
    "Snapshot": hand, "EnsureShape": hand,
    "NoOp": { _, _ in },
  ]

  /// What hands its inputs on as they are.
  private static func hand(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    for index in 0..<(node.type == "IdentityN" ? node.inputs.count : 1) {
      try importer.alias(try importer.value(index, node), node, output: index)
    }
  }

  /// The fixed first dimension that stands for the batch: the first image input's, or the first input's of rank 2 or more, unless it is open.
  ///
  /// A file that was frozen with a fixed batch of 1 is meant for any batch; targets of reshapes that repeat the 1 are rewritten.
  static func literalBatch(_ file: FrozenGraph, given: [TensorName: [Dimension]]) throws(TensorFlowError) -> Int? {
    let inputs = file.nodes.filter { $0.type == "Placeholder" }
    if let unknown = given.keys.sorted().first(where: { name in !inputs.contains { $0.name == name } }) {
      throw TensorFlowError(node: unknown, "a shape is given for it, but the inputs are \(inputs.map(\.name))")
    }
    var shapes: [[Int]] = []
    for input in inputs where given[input.name] == nil { shapes.append(try input.shape("shape")?.dim.map { Int($0.size) } ?? []) }
    guard let first = (shapes.first { $0.count == 4 } ?? shapes.first { $0.count > 1 })?.first, first > 0 else { return nil }
    return first
  }

  private static func placeholder(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let elementType: ElementType
    switch try node.type("dtype") {
    case .dtFloat, .dtDouble, .dtHalf, .dtBfloat16: elementType = .float32
    case .dtInt32: elementType = .int32
    case .dtInt64: elementType = .int64
    case .dtBool: elementType = .bool
    case let type:
      throw node.error("the input is of \(type ?? .dtInvalid), supported are floating-point numbers, int32, int64 and bool")
    }
    let dimensions = try importer.inputDimensions(node)
    // An image is one that has channels behind its rows and columns.
    let layout: TensorFlowLayout = dimensions.count == 4 && elementType == .float32 ? .channelsLast : .plain
    let type = TensorType(layout.graphOrder(dimensions), elementType)
    guard type.rank <= 64, type.dimensions.boundedElementCount != nil, !type.dimensions.contains(0) else {
      throw node.error("the input is empty or too large: \(dimensions.prefix(8))")
    }
    importer.assembly.add(Graph.Input(name: node.name, type: type))
    try importer.bind(node.name, to: .computed(node.name, layout), node)
  }

  /// The dimensions of an input in the file's order.
  private func inputDimensions(_ node: TensorFlowNode) throws(TensorFlowError) -> [Dimension] {
    let shape = try node.shape("shape")
    let found = shape.map { $0.unknownRank ? nil : $0.dim.map { Int($0.size) } } ?? nil
    if let given = inputShapes[node.name] {
      let contradicts = zip(given, found ?? []).contains { dimension, size in dimension.fixedSize.map { size >= 0 && $0 != size } ?? false }
      guard found.map({ $0.count == given.count }) ?? true, !contradicts else {
        throw node.error("the shape \(given) is given for it, the file says \(found ?? [])")
      }
      return given
    }
    guard let found else {
      throw node.error("the file does not say the shape of this input: freeze the model with a TensorSpec, or give the input a shape")
    }
    var dimensions: [Dimension] = []
    for (axis, size) in found.enumerated() {
      switch size {
      case ..<0:
        guard axis == 0 else {
          throw node.error(
            "dimension \(axis) of the input is open; only the first may be: freeze the model with a fixed size, or give the input a shape")
        }
        dimensions.append(.batch)
      default: dimensions.append(axis == 0 && found.count > 1 && size == literalBatch ? .batch : .fixed(size))
      }
    }
    return dimensions
  }
}
