import QATGraph
import QATImporting
import QATTensor

/// Operators on constants are computed while the file is read.
extension ONNXImporter {
  /// Computes `op` when all its inputs are constants, else adds it to the graph.
  /// - Parameters:
  ///   - op: the operator.
  ///   - roles: what each of its inputs is called; the operator takes as many of the node's inputs.
  ///   - node: the node of the file.
  ///   - index: the output of the node that it makes.
  /// - Throws: `ONNXError` when an input is missing or the operator cannot take it.
  mutating func apply(_ op: any Operator, to roles: [String], _ node: ONNXImportNode, output index: Int = 0) throws(ONNXError) {
    if try fold(op, inputs: roles.indices, node, output: index) { return }
    var inputs: [TensorName] = []
    for (index, role) in roles.enumerated() { inputs.append(try tensor(index, role, node)) }
    try emit(op, inputs, node, output: index)
  }

  /// Computes `op` when all inputs of the node, or those named, are constants.
  /// - Returns: whether it was computed.
  mutating func fold(_ op: any Operator, inputs: Range<Int>? = nil, _ node: ONNXImportNode, output index: Int = 0) throws(ONNXError) -> Bool {
    var constants: [Tensor] = []
    for input in inputs ?? node.inputs.indices {
      guard let tensor = try constant(input, node) else { return false }
      constants.append(tensor)
    }
    if let converted = Self.convertedResult(of: op, constants.map(\.elementType)) {
      try bind(node.outputs[index], to: .constant(try evaluateConverted(op, constants, to: converted, node)), node)
      return true
    }
    let result: Tensor?
    do throws(ShapeError) {
      result = try assembly.evaluate(op, constants)
    } catch {
      throw node.error(error.description)
    }
    // What is made for each sample of a batch is left to the graph.
    guard let result else { return false }
    try bind(node.outputs[index], to: .constant(result), node)
    return true
  }

  /// The type of the input at `index`, constant or computed.
  /// - Throws: `ONNXError` when it is absent, or made of shapes and not known.
  mutating func type(_ index: Int, _ role: String, _ node: ONNXImportNode) throws(ONNXError) -> TensorType {
    let name = try node.requiredInput(index, role)
    switch try value(name, node) {
    case .constant(let tensor): return TensorType(tensor)
    case .integers(let value): return TensorType(value.isScalar ? [] : [.fixed(value.elements.count)], .int64)
    case .computed(let tensor):
      if let type = types[tensor] { return type }
      throw node.error("it reads an unknown tensor")
    case .codes, .unavailable, .sampleIndices, .sequence: throw node.error("the input '\(name)' is not available")
    }
  }

  /// The input at `index` as integers, of which some may depend on the batch; `absent` when it is not given.
  /// - Throws: `ONNXError` when the numbers are not known.
  mutating func integers(_ index: Int, _ role: String, absent: [Int]? = nil, _ node: ONNXImportNode) throws(ONNXError) -> [Dimension] {
    if node.input(index) == nil, let absent { return absent.map(Dimension.fixed) }
    _ = try node.requiredInput(index, role)
    guard let value = try inputValue(index, node)?.integers else { throw node.unsupported("only with constant \(role) is") }
    return value.elements
  }

  /// `integers` that do not depend on the batch.
  mutating func known(_ index: Int, _ role: String, absent: [Int]? = nil, _ node: ONNXImportNode) throws(ONNXError) -> [Int] {
    let elements = try integers(index, role, absent: absent, node)
    let sizes = elements.compactMap(\.fixedSize)
    guard sizes.count == elements.count else { throw node.unsupported("its \(role) depend on the batch size: \(elements.prefix(8))") }
    return sizes
  }
}
