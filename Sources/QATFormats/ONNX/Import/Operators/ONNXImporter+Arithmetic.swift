import QATGraph
import QATImporting
import QATTensor

/// Sums, products and means; on shapes and constants they are computed.
extension ONNXImporter {
  static let arithmetic: [String: OperatorImporter] = [
    "Add": { importer, node throws(ONNXError) in
      try importer.binary(Add(), node, integers: Dimension.sum) { importer, node throws(ONNXError) in
        try importer.emit(Add(), try importer.summands(node), node)
      }
    },
    "Mul": { importer, node throws(ONNXError) in
      try importer.binary(Mul(), node, integers: Dimension.product) { importer, node throws(ONNXError) in
        try importer.emit(Mul(), [try importer.tensor(0, "A", node), try importer.tensor(1, "B", node)], node)
      }
    },
    "Sub": { importer, node throws(ONNXError) in
      try importer.binary(Sub(), node, integers: Dimension.difference) { importer, node throws(ONNXError) in
        try importer.emitInverse(Sub(), of: Add(), node) { -$0 }
      }
    },
    "Div": { importer, node throws(ONNXError) in
      try importer.binary(Div(), node, integers: Dimension.quotient) { importer, node throws(ONNXError) in
        try importer.emitInverse(Div(), of: Mul(), node) { 1 / $0 }
      }
    },
    "Pow": { importer, node throws(ONNXError) in
      try importer.binary(Pow(), node, integers: { _, _ in nil }) { importer, node throws(ONNXError) in
        let base = try importer.tensor(0, "X", node)
        // The exponent may be of an integer type.
        guard let integers = try importer.constant(1, node)?.integers, let shape = try importer.constant(1, node)?.shape else {
          return try importer.emit(Pow(), [base, try importer.tensor(1, "Y", node)], node)
        }
        let exponent = importer.add(Tensor(integers.map { Float($0) }, shape: shape), named: importer.uniqueName("\(node.name)/exponent"), .fixed)
        try importer.emit(Pow(), [base, exponent], node)
      }
    },
    "Mod": { importer, node throws(ONNXError) in
      let op = Mod(roundsDown: !(try node.flag("fmod", default: false)))
      try importer.binary(op, node, integers: { op.roundsDown ? Dimension.remainder($0, $1) : nil }) { importer, node throws(ONNXError) in
        try importer.emit(op, [try importer.tensor(0, "A", node), try importer.tensor(1, "B", node)], node)
      }
    },
    "Max": variadic(Max(), integers: Dimension.larger),
    "Min": variadic(Min(), integers: Dimension.smaller),
    "Mean": variadic(Mean()),
    "Sum": sum,
  ]

  private typealias Emission = (inout ONNXImporter, ONNXImportNode) throws(ONNXError) -> Void

  /// Computes the node when both operands are known, else emits it.
  private mutating func binary(
    _ op: any Operator, _ node: ONNXImportNode, integers: (Dimension, Dimension) -> Dimension?, _ emission: Emission
  ) throws(ONNXError) {
    guard let a = try inputValue(0, node), let b = try inputValue(1, node) else { throw node.error("\(node.type) needs two inputs") }
    if try combineSampleIndices(node) { return }
    if let left = a.integers, let right = b.integers {
      try spend(max(left.elements.count, right.elements.count), node)
      guard let result = SymbolicIntegers.combine(left, right, integers) else {
        throw node.unsupported("\(node.type) of \(left.elements.prefix(8)) and \(right.elements.prefix(8)) is no multiple of the batch size")
      }
      return try bind(node.output, to: .integers(result), node)
    }
    if try fold(op, node) { return }
    try emission(&self, node)
  }

  /// The operands of an Add. A constant that is added to a MatMul's result is the bias of that linear layer, and trained.
  private mutating func summands(_ node: ONNXImportNode) throws(ONNXError) -> [TensorName] {
    var followsMatMul = false
    for index in 0..<2 {
      if case .computed(let name) = try inputValue(index, node), products.contains(name) { followsMatMul = true }
    }
    let role: Graph.Constant.Role = followsMatMul ? .parameter : .fixed
    return [try tensor(0, "A", as: role, node), try tensor(1, "B", as: role, node)]
  }

  /// Emits a difference or quotient. With a constant it is a sum or product, the forms that fuse with layers: x − c is x + (−c), x / c is x · (1/c).
  private mutating func emitInverse(
    _ op: some BroadcastingOperator, of inverse: some BroadcastingOperator, _ node: ONNXImportNode, _ change: (Float) -> Float
  ) throws(ONNXError) {
    guard let tensor = try constant(1, node), let values = tensor.floats else {
      return try emit(op, [try self.tensor(0, "A", node), try self.tensor(1, "B", node)], node)
    }
    try spend(values.count, node)
    let operand = add(Tensor(values.map(change), shape: tensor.shape), named: uniqueName("\(node.name)/operand"), .fixed)
    try emit(inverse, [try self.tensor(0, "A", node), operand], node)
  }

  /// Operators with any number of inputs; `integers` is what they make of two dimensions.
  private static func variadic(
    _ op: some VariadicOperator, integers: (@Sendable (Dimension, Dimension) -> Dimension?)? = nil
  ) -> OperatorImporter {
    { importer, node throws(ONNXError) in
      if node.inputs.isEmpty { throw node.error("\(node.type) needs an input") }
      if try importer.fold(op, node) { return }
      if let integers, try importer.combineIntegers(node, integers) { return }
      var inputs: [TensorName] = []
      for index in node.inputs.indices { inputs.append(try importer.tensor(index, "data_\(index)", node)) }
      try importer.emit(op, inputs, node)
    }
  }

  /// Computes the node when all its inputs are made from shapes.
  private mutating func combineIntegers(_ node: ONNXImportNode, _ operation: (Dimension, Dimension) -> Dimension?) throws(ONNXError) -> Bool {
    var values: [SymbolicIntegers] = []
    for index in node.inputs.indices {
      guard let value = try inputValue(index, node)?.integers else { return false }
      values.append(value)
    }
    var result = values[0]
    for value in values.dropFirst() {
      try spend(max(result.elements.count, value.elements.count), node)
      guard let next = SymbolicIntegers.combine(result, value, operation) else {
        throw node.unsupported("\(node.type) of \(result.elements.prefix(8)) and \(value.elements.prefix(8)) depends on the batch size")
      }
      result = next
    }
    try bind(node.output, to: .integers(result), node)
    return true
  }

  /// A chain of additions.
  private static func sum(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard var sum = try node.inputs.indices.first.map({ index throws(ONNXError) in try importer.tensor(index, "data_0", node) }) else {
      throw node.error("Sum needs an input")
    }
    guard node.inputs.count > 1 else { return try importer.alias(sum, node) }
    for index in 1..<node.inputs.count - 1 {
      sum = try importer.emitHelper(Add(), [sum, try importer.tensor(index, "data_\(index)", node)], "sum", node)
    }
    let last = node.inputs.count - 1
    try importer.emit(Add(), [sum, try importer.tensor(last, "data_\(last)", node)], node)
  }
}

extension ONNXValue {
  /// The value as integers for shape arithmetic, or nil when it is none.
  var integers: SymbolicIntegers? {
    switch self {
    case .integers(let value): value
    case .constant(let tensor): SymbolicIntegers(tensor)
    case .computed, .codes, .unavailable, .sampleIndices, .sequence: nil
    }
  }
}
