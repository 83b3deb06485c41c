import QATGraph

/// Sums, means, extrema and norms over axes.
extension ONNXImporter {
  static let reductions: [String: OperatorImporter] = [
    "ReduceMean": reduction { ReduceMean(axes: $0, keepsDimensions: $1) },
    "ReduceSum": reduction { ReduceSum(axes: $0, keepsDimensions: $1) },
    "ReduceProd": { importer, node throws(ONNXError) in
      if try importer.inputValue(0, node)?.integers != nil { return try importer.reduceProductOfIntegers(node) }
      try reduction { ReduceProd(axes: $0, keepsDimensions: $1) }(&importer, node)
    },
    "ReduceMax": reduction { ReduceMax(axes: $0, keepsDimensions: $1) },
    "ReduceMin": reduction { ReduceMin(axes: $0, keepsDimensions: $1) },
    "ReduceL1": reduction(Abs()) { ReduceL1(axes: $0, keepsDimensions: $1) },
    "ReduceL2": reduction(Abs()) { ReduceL2(axes: $0, keepsDimensions: $1) },
    "ReduceSumSquare": reduction(Mul()) { ReduceSumSquare(axes: $0, keepsDimensions: $1) },
    "ReduceLogSum": reduction(Log()) { ReduceLogSum(axes: $0, keepsDimensions: $1) },
    "ReduceLogSumExp": reduction { ReduceLogSumExp(axes: $0, keepsDimensions: $1) },
  ]

  /// An importer of a reduction, whose axes are an attribute, or an input since opset 18 and for ReduceSum since 13.
  ///
  /// With `noop_with_empty_axes` and no axes every element is a line of its own, of which the reduction makes `single`, or the element itself.
  private static func reduction(
    _ single: (any Operator)? = nil, _ make: @escaping @Sendable ([Int], Bool) -> any ReductionOperator
  ) -> OperatorImporter {
    { importer, node throws(ONNXError) in
      let x = try importer.tensor(0, "data", node)
      var axes = try node.ints("axes") ?? []
      if node.input(1) != nil {
        guard let known = try importer.constant(1, node)?.integers else { throw node.unsupported("only constant axes are") }
        axes = known
      }
      if axes.isEmpty, try node.flag("noop_with_empty_axes", default: false) {
        guard let single else { return try importer.alias(x, node) }
        return try importer.emit(single, single is Mul ? [x, x] : [x], node)
      }
      try importer.apply(make(axes, try node.flag("keepdims", default: true)), to: ["data"], node)
    }
  }
}
