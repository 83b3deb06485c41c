import QATGraph
import QATImporting
import QATTensor

/// FakeQuantize of OpenVINO's domain, the form that NNCF exports: on an activation, or on a weight in floating point.
extension ONNXImporter {
  static let fakeQuantizers: [String: OperatorImporter] = ["\(ONNXFile.openVINODomain)::FakeQuantize": openVINOFakeQuantize]

  private static func openVINOFakeQuantize(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let levels = try node.int("levels", default: 256)
    guard (2...256).contains(levels) else { throw node.unsupported("with \(levels) levels, expected 2 to 256") }
    var bounds: [Tensor] = []
    for index in 1...4 {
      guard let tensor = try importer.constant(index, node), tensor.floats != nil else { throw node.unsupported("only constant float32 bounds are") }
      bounds.append(tensor)
    }
    guard bounds[0] == bounds[2], bounds[1] == bounds[3] else { throw node.unsupported("whose output has other bounds than its input") }
    let isConstant: Bool
    let rank: Int
    switch try importer.inputValue(0, node) {
    case .constant(let tensor): (isConstant, rank) = (true, tensor.shape.count)
    case .computed(let source): (isConstant, rank) = (false, importer.types[source]?.rank ?? 0)
    default: throw node.unsupported("only tensors in floating point are quantized")
    }
    let grid = try importer.grid(between: bounds[0], and: bounds[1], levels: levels, rank: rank, node)
    let source = try importer.source(node)
    guard let quantizer = ONNXCodes(source: source, grid: grid, limits: 0...levels - 1).quantizer, quantizer.clip == nil else {
      throw node.unsupported("with \(levels) levels and zero at level \(grid.zeroPoints.prefix(4))")
    }
    try importer.emitQuantizer(quantizer, [source], importer.uniqueName("\(source)|\(isConstant ? "WEIGHT" : "OUTPUT")"), node)
  }

  /// The tensor that a quantizer reads, as one of the graph: a constant becomes a parameter.
  private mutating func source(_ node: ONNXImportNode) throws(ONNXError) -> TensorName {
    switch try inputValue(0, node) {
    case .computed(let name): return name
    case .constant(let tensor): return add(tensor, named: node.input(0) ?? node.output, .parameter)
    default: throw node.unsupported("only tensors in floating point are quantized")
    }
  }

  /// The levels between two bounds as a scale and the level that stands for zero.
  private func grid(between low: Tensor, and high: Tensor, levels: Int, rank: Int, _ node: ONNXImportNode) throws(ONNXError) -> ONNXGrid {
    let (lows, highs) = (low.floats ?? [], high.floats ?? [])
    guard low.shape == high.shape, !lows.isEmpty, zip(lows, highs).allSatisfy({ $0 <= 0 && $0 < $1 && ($1 - $0).isFinite }) else {
      throw node.error("its bounds \(low.shape) and \(high.shape) are not lower ones up to 0 and upper ones above them, in one shape")
    }
    var grid = ONNXGrid(scales: [], zeroPoints: [], axis: nil, codes: 0...255)
    for (low, high) in zip(lows, highs) {
      let exact = (high - low) / Float(levels - 1)
      let zero = (-low / exact).rounded(.toNearestOrEven)
      guard exact.isNormal, abs(low + zero * exact) <= 1e-3 * exact else { throw node.unsupported("whose levels leave out zero") }
      grid.scales.append(Self.scale(near: exact) { low == (0 - zero) * $0 && high == (Float(levels - 1) - zero) * $0 })
      grid.zeroPoints.append(Int(zero))
    }
    if lows.count > 1 {
      let wide = low.shape.indices.filter { low.shape[$0] != 1 }
      guard wide.count == 1, low.shape.count == rank else { throw node.unsupported("with bounds of the shape \(low.shape)") }
      grid.axis = wide[0]
    }
    return grid
  }

  /// The float next to `quotient` whose multiples are the bounds of the file; the quotient of rounded bounds may miss it by some units in the last place.
  private static func scale(near quotient: Float, _ fits: (Float) -> Bool) -> Float {
    var (below, above) = (quotient, quotient)
    for _ in 0..<4 {
      if fits(below) { return below }
      if fits(above) { return above }
      (below, above) = (below.nextDown, above.nextUp)
    }
    return quotient
  }
}
