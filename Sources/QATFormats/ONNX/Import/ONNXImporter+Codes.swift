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

  /// Why operators that are known well are not read.
  static let refusals: [String: String] = [
    "DynamicQuantizeLinear": dynamic, "DynamicQuantizeMatMul": dynamic, "DynamicQuantizeLSTM": dynamic, "ConvInteger": integer,
    "MatMulInteger": integer,
    "MatMulIntegerToFloat": integer, "If": control, "Loop": control, "Scan": control, "LSTM": recurrent, "GRU": recurrent, "RNN": recurrent,
    "NonMaxSuppression": counting, "Unique": counting, "Compress": counting, "RandomNormal": random, "RandomNormalLike": random,
    "RandomUniform": random, "RandomUniformLike": random, "Bernoulli": random, "Multinomial": random,
  ]

  private static let dynamic =
    "it quantizes by the range of each batch, which leaves nothing to train: start from the fp32 model, or one quantized statically"
  private static let integer =
    "it multiplies integers without scales, which dynamic quantization makes: start from the fp32 model, or one quantized statically"
  private static let control = "what a network computes is fixed before it runs: export the model so that conditions and loops are resolved"
  private static let recurrent = "recurrent layers are not trained here"
  private static let counting = "how many elements it gives depends on numbers: leave this tail of the network out of the export"
  private static let random = "random numbers in a network are not reproduced: export the model in evaluation mode"
}
