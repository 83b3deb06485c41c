import QATGraph
import QATImporting
import QATTensor

/// Sums, products and comparisons of two or more tensors; on shapes and constants they are computed.
extension TensorFlowImporter {
  static let arithmetic: [String: OperatorImporter] = [
    "Add": addition, "AddV2": addition,
    "Sub": binary(Sub(), integers: Dimension.difference),
    "Mul": binary(Mul(), integers: Dimension.product),
    "RealDiv": quotient, "Div": quotient,
    "FloorDiv": binary(Div(), integers: Dimension.quotient),
    "Maximum": binary(Max()), "Minimum": binary(Min()), "Pow": binary(Pow()),
    "SquaredDifference": { importer, node throws(TensorFlowError) in
      if try importer.fold(Sub(), 0..<2, node) { throw node.unsupported("of constants is not") }
      let (inputs, layout) = try importer.operands([0, 1], node)
      let difference = try importer.emitHelper(Sub(), inputs, "difference", node)
      try importer.emit(Mul(), [difference, difference], layout, node)
    },
    "AddN": { importer, node throws(TensorFlowError) in
      let (inputs, layout) = try importer.operands(Array(node.inputs.indices), node)
      guard var sum = inputs.first else { throw node.error("AddN needs an input") }
      guard inputs.count > 1 else { return try importer.emit(Identity(), inputs, layout, node) }
      for input in inputs[1..<inputs.count - 1] { sum = try importer.emitHelper(Add(), [sum, input], "sum", node) }
      try importer.emit(Add(), [sum, inputs[inputs.count - 1]], layout, node)
    },
    "Greater": binary(Greater()), "GreaterEqual": binary(GreaterOrEqual()), "Less": binary(Less()), "LessEqual": binary(LessOrEqual()),
    "Equal": binary(Equal()), "LogicalAnd": binary(And()), "LogicalOr": binary(Or()),
    "Select": selection, "SelectV2": selection,
  ]

  /// An importer of an operator on two tensors. `integers` computes it on numbers made of shapes.
  private static func binary(_ op: any Operator, integers: (@Sendable (Dimension, Dimension) -> Dimension?)? = nil) -> OperatorImporter {
    { importer, node throws(TensorFlowError) in
      if try importer.combine(integers, node) { return }
      if try importer.fold(op, 0..<2, node) { return }
      let (inputs, layout) = try importer.operands([0, 1], node)
      try importer.emit(op, inputs, layout, node)
    }
  }

  private static func addition(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    if let chain = importer.normalizationChains[node.name], try importer.emitNormalization(chain, node) { return }
    if try importer.combine(Dimension.sum, node) { return }
    if try importer.fold(Add(), 0..<2, node) { return }
    var followsProduct = false
    for index in 0..<2 {
      if case .computed(let name, _) = try importer.value(index, node), importer.productOutputs.contains(name) { followsProduct = true }
    }
    try importer.emitAddition(role: followsProduct ? .parameter : .fixed, node)
  }

  /// Emits a sum; a constant operand gets `role`.
  mutating func emitAddition(role: Graph.Constant.Role, _ node: TensorFlowNode) throws(TensorFlowError) {
    let (inputs, layout) = try operands([0, 1], role: role, node)
    try emit(Add(), inputs, layout, node)
  }

  /// A quotient by a constant is a product, the form that fuses with layers.
  private static func quotient(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    if try importer.combine(Dimension.quotient, node) { return }
    if try importer.fold(Div(), 0..<2, node) { return }
    if case .constant(let tensor, let origin) = try importer.value(1, node), let values = tensor.floats {
      try importer.spend(values.count, node)
      let inverse = TensorFlowValue.constant(Tensor(values.map { 1 / $0 }, shape: tensor.shape), origin: "\(origin)/reciprocal")
      let (inputs, layout) = try importer.operands([try importer.value(0, node), inverse], role: .fixed, node)
      return try importer.emit(Mul(), inputs, layout, node)
    }
    let (inputs, layout) = try importer.operands([0, 1], node)
    try importer.emit(Div(), inputs, layout, node)
  }

  private static func selection(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    if try importer.fold(Where(), 0..<3, node) { return }
    let (inputs, layout) = try importer.operands([0, 1, 2], node)
    try importer.emit(Where(), inputs, layout, node)
  }

  /// Computes the node when both operands are numbers made of shapes, at least one of which depends on the batch.
  /// - Returns: whether it was computed.
  private mutating func combine(_ operation: ((Dimension, Dimension) -> Dimension?)?, _ node: TensorFlowNode) throws(TensorFlowError) -> Bool {
    let (a, b) = (try value(0, node), try value(1, node))
    guard a.isSymbolic || b.isSymbolic else { return false }
    guard let operation, let left = a.integers, let right = b.integers, let result = SymbolicIntegers.combine(left, right, operation) else {
      throw node.unsupported("of the numbers of a shape that depends on the batch size")
    }
    try spend(result.elements.count, node)
    try bind(node.name, to: .integers(result), node)
    return true
  }

  // MARK: Operands in one order

  /// The inputs at `indices`, broadcast to each other by the operator, in one order of axes.
  mutating func operands(
    _ indices: [Int], role: Graph.Constant.Role = .fixed, _ node: TensorFlowNode
  ) throws(TensorFlowError) -> (names: [TensorName], layout: TensorFlowLayout) {
    var values: [TensorFlowValue] = []
    for index in indices { values.append(try value(index, node)) }
    return try operands(values, role: role, node)
  }

  private mutating func operands(
    _ values: [TensorFlowValue], role: Graph.Constant.Role, _ node: TensorFlowNode
  ) throws(TensorFlowError) -> (names: [TensorName], layout: TensorFlowLayout) {
    let (layout, rank) = commonLayout(values)
    var names: [TensorName] = []
    for value in values {
      switch value {
      case .computed(let name, let own): names.append(try ordered(name, own, as: layout, rank: rank, node))
      case .constant(let tensor, let origin): names.append(add(ordered(tensor, as: layout, rank: rank), named: origin, role))
      case .quantized(let constant):
        let name = try quantizer(constant, constant.tensor, axis: constant.channelAxis(in: constant.tensor.shape), node)
        names.append(try ordered(name, .plain, as: layout, rank: rank, node))
      case .integers: throw node.unsupported("of a number made from shapes and a tensor is not")
      case .unavailable: throw node.error("an input is not available")
      }
    }
    return (names, layout)
  }

  /// The order that suits most operands, and the number of dimensions of the result.
  private func commonLayout(_ values: [TensorFlowValue]) -> (TensorFlowLayout, rank: Int) {
    var layouts: [TensorFlowLayout] = []
    var rank = 0
    var constantRank = 0
    for value in values {
      switch value {
      case .computed(let name, let layout):
        layouts.append(layout)
        rank = max(rank, type(of: name).rank)
      case .constant(let tensor, _): constantRank = max(constantRank, tensor.shape.count)
      default: break
      }
    }
    guard constantRank <= rank, let first = layouts.first(where: { $0 != .plain }) else { return (.plain, max(rank, constantRank)) }
    if case .flattened = first { return (layouts.allSatisfy { $0 == first } ? first : .plain, rank) }
    return (first, rank)
  }

  /// A tensor of the graph in the order that its neighbours have.
  private mutating func ordered(
    _ name: TensorName, _ own: TensorFlowLayout, as layout: TensorFlowLayout, rank: Int, _ node: TensorFlowNode
  ) throws(TensorFlowError) -> TensorName {
    let type = type(of: name)
    if own == layout, layout != .channelsLast || type.rank == rank { return name }
    let plain = try inFileOrder(name, own, node)
    guard layout == .channelsLast, !type.dimensions.isEmpty else { return plain }
    var raised = plain
    if type.rank < rank {
      let sizes = type.dimensions.compactMap(\.fixedSize)
      guard sizes.count == type.rank else { throw node.unsupported("broadcasting \(type) over an image is not") }
      raised = try emitHelper(Reshape(shape: [Int](repeating: 1, count: rank - type.rank) + sizes), [plain], "raised", node)
    }
    return try emitHelper(Transpose(permutation: TensorFlowLayout.toGraph(rank: rank)), [raised], "channels_first", node)
  }

  /// A constant in the order that its neighbours have. Single numbers fit every order.
  private func ordered(_ tensor: Tensor, as layout: TensorFlowLayout, rank: Int) -> Tensor {
    if tensor.count == 1, tensor.shape.count < 2 { return tensor }
    switch layout {
    case .plain: return tensor
    case .channelsLast:
      let raised = tensor.reshaped([Int](repeating: 1, count: rank - tensor.shape.count) + tensor.shape)
      return raised.transposed(TensorFlowLayout.toGraph(rank: rank))
    case .flattened:
      guard let places = layout.featurePlaces, tensor.shape.last == places.count, tensor.count == places.count else { return tensor }
      var sources = places
      for (feature, place) in places.enumerated() { sources[place] = feature }
      return Tensor(shape: tensor.shape, elements: tensor.elements.gathered(sources))
    }
  }
}
