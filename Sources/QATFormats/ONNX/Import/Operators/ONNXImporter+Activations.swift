import QATGraph
import QATTensor

/// Batch normalisation and what works on each element by itself.
extension ONNXImporter {
  static let activations: [String: OperatorImporter] = [
    "BatchNormalization": batchNormalization,
    "Clip": clip,
    "Softmax": softmax { Softmax(axis: $0) },
    "LogSoftmax": softmax { LogSoftmax(axis: $0) },
    "Dropout": dropout,
    "PRelu": { importer, node throws(ONNXError) in
      try importer.emit(PRelu(), [try importer.tensor(0, "X", node), try importer.tensor(1, "slope", as: .parameter, node)], node)
    },
    "Relu": pointwise { _ in Relu() },
    "Sigmoid": pointwise { _ in Sigmoid() },
    "HardSwish": pointwise { _ in HardSwish() },
    "LeakyRelu": { importer, node throws(ONNXError) in
      // Slope 1 changes nothing: files for OpenVINO have it.
      let alpha = try node.float("alpha", default: 0.01)
      if alpha == 1 { return try importer.alias(try importer.tensor(0, "X", node), node) }
      try importer.apply(LeakyRelu(alpha: alpha), to: ["X"], node)
    },
    "Elu": pointwise { node throws(ONNXError) in Elu(alpha: try node.float("alpha", default: 1)) },
    "Selu": pointwise { node throws(ONNXError) in
      Selu(alpha: try node.float("alpha", default: Selu().alpha), gamma: try node.float("gamma", default: Selu().gamma))
    },
    "Celu": pointwise { node throws(ONNXError) in Celu(alpha: try node.float("alpha", default: 1)) },
    "ThresholdedRelu": pointwise { node throws(ONNXError) in ThresholdedRelu(alpha: try node.float("alpha", default: 1)) },
    "HardSigmoid": pointwise { node throws(ONNXError) in
      HardSigmoid(alpha: try node.float("alpha", default: 0.2), beta: try node.float("beta", default: 0.5))
    },
    "Gelu": pointwise { node throws(ONNXError) in
      let name = try node.string("approximate") ?? "none"
      guard let approximation = Gelu.Approximation(rawValue: name) else {
        throw node.error("the attribute 'approximate' is '\(name)', expected none or tanh")
      }
      return Gelu(approximation: approximation)
    },
    "Swish": pointwise { node throws(ONNXError) in Swish(alpha: try node.float("alpha", default: 1)) },
    "Mish": pointwise { _ in Mish() },
    "Softplus": pointwise { _ in Softplus() },
    "Softsign": pointwise { _ in Softsign() },
  ]

  /// An importer of an operator with one input, made from the node's attributes.
  static func pointwise(_ make: @escaping @Sendable (ONNXImportNode) throws(ONNXError) -> any Operator) -> OperatorImporter {
    { importer, node throws(ONNXError) in try importer.apply(try make(node), to: ["X"], node) }
  }

  /// All forms are one: `training_mode` and the outputs beyond the first say how the exporter saw the network, not what it is.
  private static func batchNormalization(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard try node.int("spatial", default: 1) == 1 else { throw node.unsupported("only spatial = 1 is") }
    let inputs = [
      try importer.tensor(0, "X", node), try importer.tensor(1, "scale", as: .parameter, node), try importer.tensor(2, "B", as: .parameter, node),
      try importer.tensor(3, "mean", as: .statistic, node), try importer.tensor(4, "var", as: .statistic, node),
    ]
    let epsilon = try node.float("epsilon", default: 1e-5)
    let momentum = try node.float("momentum", default: 0.9)
    guard epsilon >= 0, epsilon.isFinite, (0...1).contains(momentum) else {
      throw node.error("epsilon is \(epsilon) and momentum \(momentum); expected an epsilon of at least 0 and a momentum in 0...1")
    }
    try importer.emit(BatchNormalization(epsilon: epsilon, momentum: momentum), inputs, node)
  }

  private static func clip(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    if try importer.clipsCodes(node) { return }
    let x = try importer.tensor(0, "input", node)
    for index in 1...2 where node.opset >= 11 && node.input(index) != nil {
      guard case .constant = try importer.inputValue(index, node) else { return try importer.clipByTensors(x, node) }
    }
    var bounds: [Float] = [-.infinity, .infinity]
    if node.opset < 11 {
      bounds = [try node.float("min", default: -.infinity), try node.float("max", default: .infinity)]
    } else {
      for index in 0..<2 where node.input(index + 1) != nil {
        guard let bound = try importer.constant(index + 1, node), bound.count == 1,
          let value = bound.floats?.first ?? bound.integers?.first.map({ Float($0) })
        else {
          throw node.unsupported("only bounds that are constant numbers are")
        }
        bounds[index] = value
      }
    }
    // Some exporters write the largest numbers for "no bound".
    let lower = bounds[0] <= -.greatestFiniteMagnitude ? -.infinity : bounds[0]
    let upper = bounds[1] >= .greatestFiniteMagnitude ? .infinity : bounds[1]
    // Of bounds in the wrong order the upper one wins.
    try importer.emit(Clip(lower: min(lower, upper), upper: upper), [x], node)
  }

  /// Bounds that are computed: the larger of x and one, the smaller of that and the other.
  private mutating func clipByTensors(_ x: TensorName, _ node: ONNXImportNode) throws(ONNXError) {
    guard node.input(1) != nil else { return try emit(Min(), [x, try tensor(2, "max", node)], node) }
    let lower = try tensor(1, "min", node)
    guard node.input(2) != nil else { return try emit(Max(), [x, lower], node) }
    try emit(Min(), [try emitHelper(Max(), [x, lower], "lower", node), try tensor(2, "max", node)], node)
  }

  /// Before opset 13 all axes from `axis` on were one, which they are made for the operator.
  private static func softmax(_ make: @escaping @Sendable (Int) -> any LineOperator) -> OperatorImporter {
    { importer, node throws(ONNXError) in
      let x = try importer.tensor(0, "input", node)
      let axis = try node.int("axis", default: node.opset < 13 ? 1 : -1)
      guard node.opset < 13, let type = importer.types[x] else { return try importer.emit(make(axis), [x], node) }
      let first = axis < 0 ? axis + type.rank : axis
      guard (0..<type.rank).contains(first) else { throw node.error("the attribute 'axis' is \(axis), the input is \(type)") }
      if type.dimensions[(first + 1)...].allSatisfy({ $0 == 1 }) { return try importer.emit(make(axis), [x], node) }
      let rest = type.dimensions[first...].compactMap(\.fixedSize)
      guard rest.count == type.rank - first else { throw node.unsupported("over the batch") }
      // Dimensions before the axis are copied.
      let copied = [Int](repeating: 0, count: first)
      let flat = try importer.emitHelper(Reshape(shape: copied + [-1]), [x], "flattened", node)
      let result = try importer.emitHelper(make(-1), [flat], "lines", node)
      try importer.emit(Reshape(shape: copied + rest), [result], node)
    }
  }

  private static func dropout(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try importer.tensor(0, "data", node)
    var ratio = try node.float("ratio", default: 0.5)
    if node.opset >= 12, node.input(1) != nil {
      guard let tensor = try importer.constant(1, node), let value = tensor.floats?.first else { throw node.unsupported("only a constant ratio is") }
      ratio = value
    }
    guard ratio >= 0, ratio < 1 else { throw node.error("the ratio is \(ratio), expected at least 0 and less than 1") }
    try importer.emit(Dropout(ratio: ratio), [x], node)
    guard node.hasOutput(1), let dimensions = importer.types[x]?.dimensions else { return }
    // The mask as evaluation has it: everything is kept.
    let one = importer.add(Tensor(shape: [], elements: .bool([true])), named: importer.uniqueName("\(node.name)/kept"), .fixed)
    try importer.emit(Expand(shape: dimensions), [one], node, output: 1)
  }
}
