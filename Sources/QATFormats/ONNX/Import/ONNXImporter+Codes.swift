import QATGraph
import QATImporting

/// What stands between QuantizeLinear and DequantizeLinear.
extension ONNXImporter {
  /// Operators that choose or move whole elements: rounding before them is rounding behind them.
  private static let passing: Set<String> = [
    "MaxPool", "GlobalMaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Gather", "GatherElements",
    "DepthToSpace",
    "SpaceToDepth", "Expand", "Tile", "Identity", "Dropout",
  ]

  /// Imports a node; when it moves the codes of a tensor, it moves the tensor, whose codes its outputs are.
  mutating func importOnCodes(_ node: ONNXImportNode, _ importOperator: OperatorImporter) throws(ONNXError) {
    guard Self.passing.contains(node.type), let name = node.input(0), case .codes(let codes) = try value(name, node), codes.grid.axis == nil else {
      return try importOperator(&self, node)
    }
    replaceValue(of: name, by: .computed(codes.source))
    try importOperator(&self, node)
    replaceValue(of: name, by: .codes(codes))
    for output in node.outputs where !output.isEmpty {
      guard case .computed(let moved) = try value(output, node) else { continue }
      replaceValue(of: output, by: .codes(ONNXCodes(source: moved, grid: codes.grid, limits: codes.limits)))
    }
  }

  /// The codes on which the output of a node lies that only moves or selects elements of one tensor, or joins tensors on the same codes.
  func movedSpan(_ node: Node) -> ONNXCodeSpan? {
    guard let first = node.inputs.first, let span = grids[first], span.grid.axis == nil else { return nil }
    switch node.op {
    case is MaxPool, is Flatten, is Reshape, is Transpose, is Identity, is Slice, is Gather: return span
    case let resize as Resize:
      if case .nearest = resize.interpolation, resize.region == nil { return span }
      return nil
    case let pad as Pad: if case .constant(let value) = pad.mode, value != 0 { return nil } else { return span }
    case is Concat: return node.inputs.allSatisfy { grids[$0] == span } ? span : nil
    default: return nil
    }
  }
}
