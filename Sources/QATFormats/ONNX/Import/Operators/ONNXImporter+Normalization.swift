import QATGraph
import QATTensor

/// Normalisations over a sample's own values.
extension ONNXImporter {
  static let normalizations: [String: OperatorImporter] = [
    "LayerNormalization": layerNormalization,
    "InstanceNormalization": { importer, node throws(ONNXError) in
      let inputs = [
        try importer.tensor(0, "input", node), try importer.tensor(1, "scale", as: .parameter, node),
        try importer.tensor(2, "B", as: .parameter, node),
      ]
      try importer.emit(InstanceNormalization(epsilon: try node.float("epsilon", default: 1e-5)), inputs, node)
    },
    "GroupNormalization": groupNormalization,
    "RMSNormalization": { importer, node throws(ONNXError) in
      let x = try importer.tensor(0, "X", node)
      let rank = importer.types[x]?.rank ?? 0
      let axis = try node.int("axis", default: -1)
      let op = RMSNormalization(
        axisCount: axis < 0 ? -max(axis, -rank - 1) : rank - min(axis, rank), epsilon: try node.float("epsilon", default: 1e-5))
      try importer.emit(op, [x, try importer.tensor(1, "scale", as: .parameter, node)], node)
    },
    "LRN": { importer, node throws(ONNXError) in
      let op = LocalResponseNormalization(
        size: try node.int("size", default: 0), alpha: try node.float("alpha", default: 1e-4), beta: try node.float("beta", default: 0.75),
        bias: try node.float("bias", default: 1))
      try importer.emit(op, [try importer.tensor(0, "X", node)], node)
    },
  ]

  /// The further outputs, mean and inverse deviation, are computed by nodes of their own where somebody reads them.
  private static func layerNormalization(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try importer.tensor(0, "X", node)
    var inputs = [x, try importer.tensor(1, "Scale", as: .parameter, node)]
    if node.input(2) != nil { inputs.append(try importer.tensor(2, "B", as: .parameter, node)) }
    let op = LayerNormalization(axis: try node.int("axis", default: -1), epsilon: try node.float("epsilon", default: 1e-5))
    try importer.emit(op, inputs, node)
    guard let rank = importer.types[x]?.rank, node.outputs.dropFirst().contains(where: { !$0.isEmpty }) else { return }
    let axes = Array((op.axis < 0 ? op.axis + rank : op.axis)..<rank)
    if node.outputs.count > 1, !node.outputs[1].isEmpty { try importer.emitHelper(ReduceMean(axes: axes), [x], output: 1, node) }
    guard node.outputs.count > 2, !node.outputs[2].isEmpty else { return }
    let mean = try importer.emitHelper(ReduceMean(axes: axes), [x], "mean", node)
    let deviation = try importer.emitHelper(Sub(), [x, mean], "deviation", node)
    let square = try importer.emitHelper(Mul(), [deviation, deviation], "square", node)
    let variance = try importer.emitHelper(ReduceMean(axes: axes), [square], "variance", node)
    let epsilon = importer.add(Tensor([op.epsilon], shape: []), named: importer.uniqueName("\(node.name)/epsilon"), .fixed)
    let root = try importer.emitHelper(Sqrt(), [try importer.emitHelper(Add(), [variance, epsilon], "shifted", node)], "root", node)
    try importer.emitHelper(Reciprocal(), [root], output: 2, node)
  }

  /// Before opset 21 scale and bias have one element a group, which is repeated for its channels.
  private static func groupNormalization(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try importer.tensor(0, "X", node)
    let groups = try node.int("num_groups", default: 0)
    let op = GroupNormalization(groups: groups, epsilon: try node.float("epsilon", default: 1e-5))
    var inputs = [x]
    for (index, role) in [(1, "scale"), (2, "bias")] {
      guard node.opset < 21, let channels = importer.types[x]?.dimensions.dropFirst().first?.fixedSize, channels != groups else {
        inputs.append(try importer.tensor(index, role, as: .parameter, node))
        continue
      }
      guard let values = try importer.constant(index, node)?.floats else {
        throw node.unsupported("opset \(node.opset) with a \(role) that is computed")
      }
      guard groups > 0, values.count == groups, channels % groups == 0 else {
        throw node.error("it has \(values.count) elements of '\(role)' for \(groups) groups of \(channels) channels")
      }
      try importer.spend(channels, node)
      let repeated = Tensor((0..<channels).map { values[$0 / (channels / groups)] }, shape: [channels])
      inputs.append(importer.add(repeated, named: importer.uniqueName("\(node.name)/\(role)"), .parameter))
    }
    try importer.emit(op, inputs, node)
  }
}
