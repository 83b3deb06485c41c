import QATGraph
import QATImporting
import QATTensor

/// Shape arithmetic: it is computed on dimensions, with the batch size as a symbol, and leaves nothing in the graph.
extension ONNXImporter {
  static let shapes: [String: OperatorImporter] = ["Shape": shape, "Size": size]

  /// The dimensions of the node's first input.
  private mutating func dimensions(_ node: ONNXImportNode) throws(ONNXError) -> [Dimension] {
    switch try inputValue(0, node) {
    case .computed(let x): return types[x]?.dimensions ?? []
    case .constant(let tensor): return tensor.shape.map(Dimension.fixed)
    case .integers(let value): return value.isScalar ? [] : [.fixed(value.elements.count)]
    default: throw node.error("\(node.type) needs an input")
    }
  }

  private static func shape(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let dimensions = try importer.dimensions(node)
    let start = clamped(try node.int("start", default: 0), dimensions.count)
    let end = clamped(try node.int("end", default: dimensions.count), dimensions.count)
    try importer.bind(node.output, to: .integers(SymbolicIntegers(elements: Array(dimensions[start..<max(start, end)]))), node)
  }

  private static func size(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    try importer.bindProduct(of: try importer.dimensions(node), isScalar: true, node)
  }

  /// The product of integers: how many elements a shape has.
  mutating func reduceProductOfIntegers(_ node: ONNXImportNode) throws(ONNXError) {
    let value = try integers(node)
    try bindProduct(of: value.elements, isScalar: !(try node.flag("keepdims", default: true)), node)
  }

  private mutating func bindProduct(of dimensions: [Dimension], isScalar: Bool, _ node: ONNXImportNode) throws(ONNXError) {
    guard let product = dimensions.reduce(Dimension.fixed(1) as Dimension?, { total, next in total.flatMap { Dimension.product($0, next) } }) else {
      throw node.unsupported("the product of \(dimensions.prefix(8)) is no multiple of the batch size")
    }
    try bind(node.output, to: .integers(SymbolicIntegers(elements: [product], isScalar: isScalar)), node)
  }

  /// The first input as integers of shape arithmetic.
  private mutating func integers(_ node: ONNXImportNode) throws(ONNXError) -> SymbolicIntegers {
    guard let value = try inputValue(0, node)?.integers else { throw node.unsupported("only in the arithmetic of shapes") }
    return value
  }

  /// A position counted from the front in 0...count; negative ones count from the end, and those beyond an end stand for it.
  private static func clamped(_ position: Int, _ count: Int) -> Int {
    position < 0 ? max(position + count, 0) : min(position, count)
  }
}
