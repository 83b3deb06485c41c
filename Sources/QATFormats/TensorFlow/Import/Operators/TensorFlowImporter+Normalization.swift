import QATGraph
import QATImporting
import QATTensor

/// Batch normalisation in the forms that TensorFlow has for it, and reductions.
extension TensorFlowImporter {
  static let normalizations: [String: OperatorImporter] = [
    "FusedBatchNorm": fusedBatchNorm, "FusedBatchNormV2": fusedBatchNorm, "FusedBatchNormV3": fusedBatchNorm,
  ]

  static let reductions: [String: OperatorImporter] = [
    "Mean": reduction { ReduceMean(axes: $0, keepsDimensions: $1) }, "Sum": reduction { ReduceSum(axes: $0, keepsDimensions: $1) },
    "Max": reduction { ReduceMax(axes: $0, keepsDimensions: $1) }, "Min": reduction { ReduceMin(axes: $0, keepsDimensions: $1) },
    "Prod": { importer, node throws(TensorFlowError) in
      guard let numbers = try importer.value(0, node).integers else {
        return try reduction { ReduceProd(axes: $0, keepsDimensions: $1) }(&importer, node)
      }
      guard let product = numbers.elements.reduce(Dimension.fixed(1) as Dimension?, { total, next in total.flatMap { Dimension.product($0, next) } })
      else {
        throw node.unsupported("the product of \(numbers.elements.prefix(8)) is no multiple of the batch size")
      }
      let keeps = try node.flag("keep_dims", default: false)
      try importer.bind(node.name, to: .integers(SymbolicIntegers(elements: [product], isScalar: !keeps)), node)
    },
  ]

  /// Keras's default, since a frozen graph does not say what fraction of the running statistics a step of training kept.
  private static let momentum: Float = 0.99

  private static func fusedBatchNorm(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    guard try !node.flag("is_training", default: true) else {
      throw node.unsupported("with is_training it normalises by the batch: freeze the model for inference")
    }
    let format = try node.string("data_format") ?? "NHWC"
    let layout: TensorFlowLayout = format == "NHWC" ? .channelsLast : .plain
    var inputs = [layout == .plain ? try importer.plain(0, node) : try importer.image(0, node)]
    for index in 1..<5 { inputs.append(try importer.plain(index, as: index < 3 ? .parameter : .statistic, node)) }
    let epsilon = try node.float("epsilon", default: 1e-4)
    try importer.emit(BatchNormalization(epsilon: epsilon, momentum: momentum), inputs, layout, node)
  }

  /// Emits the batch normalisation that the file spells with several operators.
  /// - Returns: whether the constants and the image are what a batch normalisation takes.
  mutating func emitNormalization(_ chain: NormalizationChain, _ node: TensorFlowNode) throws(TensorFlowError) -> Bool {
    guard case .computed(let x, let own)? = value(of: chain.x), let epsilon = vector(chain.epsilon)?.values.floats?.first, epsilon >= 0,
      let mean = vector(chain.mean), let variance = vector(chain.variance)
    else { return false }
    let isImage = own == .channelsLast
    let type = type(of: x)
    guard isImage || (own == .plain && type.rank == 2), type.rank >= 2, let channels = type.dimensions[1].fixedSize else { return false }
    var vectors: [(values: Tensor, origin: TensorName, role: Graph.Constant.Role)] = []
    // A layer without gamma has a factor of 1 that is not trained, and likewise without beta.
    for (name, missing) in [(chain.gamma, Float(1)), (chain.beta, Float(0))] {
      if let name {
        guard let given = vector(name) else { return false }
        vectors.append((given.values, given.origin, .parameter))
      } else {
        let origin = assembly.uniqueName("\(node.name)/\(missing == 1 ? "gamma" : "beta")")
        vectors.append((Tensor(repeating: missing, shape: [channels]), origin, .fixed))
      }
    }
    vectors += [(mean.values, mean.origin, .statistic), (variance.values, variance.origin, .statistic)]
    guard vectors.allSatisfy({ $0.values.shape == [channels] && $0.values.elementType == .float32 }) else { return false }
    let inputs = [x] + vectors.map { add($0.values, named: $0.origin, $0.role) }
    try emit(BatchNormalization(epsilon: epsilon, momentum: Self.momentum), inputs, own, node)
    return true
  }

  /// A constant of the file as a vector: what is left when dimensions of size 1 are dropped.
  private func vector(_ name: String) -> (values: Tensor, origin: TensorName)? {
    guard case .constant(let tensor, let origin)? = value(of: name), tensor.shape.count(where: { $0 != 1 }) <= 1 else { return nil }
    return (tensor.reshaped([tensor.count]), origin)
  }

  private static func reduction(_ make: @escaping @Sendable ([Int], Bool) -> any ReductionOperator) -> OperatorImporter {
    { importer, node throws(TensorFlowError) in
      let rank = try importer.dimensions(0, node).count
      let given = try importer.integers(1, "axes", node)
      let axes = given.isEmpty ? [] : Set(given.map { $0 < 0 ? $0 + rank : $0 }).sorted()
      let keeps = try node.flag("keep_dims", default: false)
      // No axes mean that nothing is reduced.
      guard !given.isEmpty else { return try importer.alias(try importer.value(0, node), node) }
      if case .computed(let x, .channelsLast) = try importer.value(0, node), axes.allSatisfy({ (0..<rank).contains($0) }) {
        let reduced = axes.map { TensorFlowLayout.channelsLast.graphAxis($0, rank: rank) }.sorted()
        if keeps { return try importer.emit(make(reduced, true), [x], .channelsLast, node) }
        // What remains must be in the same order on both sides.
        let left = (0..<rank).filter { !axes.contains($0) }.map { TensorFlowLayout.channelsLast.graphAxis($0, rank: rank) }
        if left == left.sorted() { return try importer.emit(make(reduced, false), [x], .plain, node) }
      }
      if case .constant(let tensor, let origin) = try importer.value(0, node) {
        guard let result = try importer.evaluated(make(axes, keeps), [tensor], node) else { throw node.unsupported("of this constant is not") }
        return try importer.bind(node.name, to: .constant(result, origin: origin), node)
      }
      try importer.emit(make(axes, keeps), [try importer.plain(0, node)], .plain, node)
    }
  }
}
