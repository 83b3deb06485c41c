import QATGraph
import QATImporting
import QATTensor

/// What works on each element by itself.
extension TensorFlowImporter {
  static let activations: [String: OperatorImporter] = [
    "Relu": pointwise { _ in Relu() },
    "Relu6": pointwise { _ in Clip(lower: 0, upper: 6) },
    "LeakyRelu": { importer, node throws(TensorFlowError) in
      let alpha = try node.float("alpha", default: 0.2)
      // One that lets everything through is there for OpenVINO's sake.
      if alpha == 1 { return try importer.alias(try importer.value(0, node), node) }
      try pointwise { _ in LeakyRelu(alpha: alpha) }(&importer, node)
    },
    "Elu": pointwise { _ in Elu() },
    "Selu": pointwise { _ in Selu() },
    "Sigmoid": pointwise { _ in Sigmoid() },
    "Tanh": pointwise { _ in Tanh() },
    "Softplus": pointwise { _ in Softplus() },
    "Softsign": pointwise { _ in Softsign() },
    "Softmax": line { Softmax(axis: $0) },
    "LogSoftmax": line { LogSoftmax(axis: $0) },
    "ClipByValue": { importer, node throws(TensorFlowError) in
      guard let lower = try importer.constant(1, node)?.floats?.first, let upper = try importer.constant(2, node)?.floats?.first, lower <= upper
      else {
        throw node.unsupported("only with constant bounds is")
      }
      try pointwise { _ in Clip(lower: lower, upper: upper) }(&importer, node)
    },
  ]

  static let elementary: [String: OperatorImporter] = [
    "Exp": pointwise { _ in Exp() }, "Log": pointwise { _ in Log() }, "Sqrt": pointwise { _ in Sqrt() }, "Neg": pointwise { _ in Neg() },
    "Abs": pointwise { _ in Abs() }, "Erf": pointwise { _ in Erf() }, "Reciprocal": pointwise { _ in Reciprocal() },
    "Inv": pointwise { _ in Reciprocal() },
    "LogicalNot": pointwise { _ in Not() },
    "Rsqrt": composed([Sqrt(), Reciprocal()]),
    // erfc(x) = 1 + erf(−x).
    "Erfc": { importer, node throws(TensorFlowError) in
      guard case .computed(let x, let layout) = try importer.value(0, node) else { throw node.unsupported("of a constant is not") }
      let erf = try importer.emitHelper(Erf(), [try importer.emitHelper(Neg(), [x], "negated", node)], "erf", node)
      let one = importer.add(Tensor([1], shape: []), named: importer.assembly.uniqueName("\(node.name)/one"), .fixed)
      try importer.emit(Add(), [erf, one], layout, node)
    },
    "Square": { importer, node throws(TensorFlowError) in
      switch try importer.value(0, node) {
      case .computed(let x, let layout): try importer.emit(Mul(), [x, x], layout, node)
      case .constant(let tensor, _):
        guard let values = tensor.floats else { throw node.unsupported("of \(tensor.elementType) is not") }
        try importer.spend(values.count, node)
        try importer.bind(node.name, to: .constant(Tensor(values.map { $0 * $0 }, shape: tensor.shape), origin: node.name), node)
      default: throw node.unsupported("only of tensors is")
      }
    },
    "Cast": cast,
  ]

  /// An importer of an operator with one input that leaves the order of the elements as it is.
  static func pointwise(_ make: @escaping @Sendable (TensorFlowNode) throws(TensorFlowError) -> any Operator) -> OperatorImporter {
    { importer, node throws(TensorFlowError) in
      let op = try make(node)
      if try importer.fold(op, 0..<1, node) { return }
      guard case .computed(let x, let layout) = try importer.value(0, node) else {
        return try importer.emit(op, [try importer.plain(0, node)], .plain, node)
      }
      try importer.emit(op, [x], layout, node)
    }
  }

  /// An importer of two operators, one behind the other.
  private static func composed(_ ops: [any Operator]) -> OperatorImporter {
    { importer, node throws(TensorFlowError) in
      guard case .constant(let tensor, _) = try importer.value(0, node) else {
        guard case .computed(let x, let layout) = try importer.value(0, node) else { throw node.unsupported("only of tensors is") }
        return try importer.emit(ops[1], [try importer.emitHelper(ops[0], [x], "inner", node)], layout, node)
      }
      guard let inner = try importer.evaluated(ops[0], [tensor], node), let result = try importer.evaluated(ops[1], [inner], node) else {
        throw node.unsupported("of a constant is not")
      }
      try importer.bind(node.name, to: .constant(result, origin: node.name), node)
    }
  }

  /// An importer of an operator along the last axis of the file's order.
  private static func line(_ make: @escaping @Sendable (Int) -> any LineOperator) -> OperatorImporter {
    { importer, node throws(TensorFlowError) in
      if case .computed(let x, .channelsLast) = try importer.value(0, node) { return try importer.emit(make(1), [x], .channelsLast, node) }
      if try importer.fold(make(-1), 0..<1, node) { return }
      try importer.emit(make(-1), [try importer.plain(0, node)], .plain, node)
    }
  }

  private static func cast(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let elementType: ElementType
    switch try node.type("DstT") {
    case .dtFloat, .dtHalf, .dtBfloat16, .dtDouble: elementType = .float32
    case .dtInt8, .dtUint8, .dtInt16, .dtUint16, .dtInt32: elementType = .int32
    case .dtUint32, .dtInt64: elementType = .int64
    case .dtBool: elementType = .bool
    case let type: throw node.unsupported("to \(type ?? .dtInvalid)")
    }
    let value = try importer.value(0, node)
    switch value {
    case .integers where elementType == .int64 || elementType == .int32: try importer.bind(node.name, to: value, node)
    case .constant(let tensor, _) where tensor.elementType == elementType: try importer.bind(node.name, to: value, node)
    case .computed(let x, _) where importer.type(of: x).elementType == elementType: try importer.alias(value, node)
    default: try pointwise { _ in Cast(to: elementType) }(&importer, node)
    }
  }
}
