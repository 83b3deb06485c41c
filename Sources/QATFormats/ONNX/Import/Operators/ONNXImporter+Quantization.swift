import QATGraph
import QATImporting
import QATTensor

/// QuantizeLinear and DequantizeLinear: a pair around an activation becomes a fake quantizer, integers in the file become floating point.
extension ONNXImporter {
  static let quantization: [String: OperatorImporter] = ["QuantizeLinear": quantizeLinear, "DequantizeLinear": dequantizeLinear]

  private static func quantizeLinear(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let value = try importer.inputValue(0, node) else { throw node.error("QuantizeLinear needs the input 'x'") }
    switch value {
    case .computed(let source):
      let grid = try importer.byteGrid(node, rank: importer.types[source]?.rank ?? 0)
      try importer.bind(node.output, to: .codes(ONNXCodes(source: source, grid: grid, limits: grid.codes)), node)
    case .constant(let tensor):
      // A weight in floating point with its quantizer: as if the file held the integers.
      let grid = try importer.byteGrid(node, rank: tensor.shape.count)
      guard let values = tensor.floats else { throw node.error("it quantizes \(tensor.elementType), expected float32") }
      try importer.spend(values.count, node)
      let indices = try importer.parameterIndices(of: grid, tensor.shape, node)
      let codes = values.indices.map { index in
        let code = (values[index] / grid.scales[indices(index)]).rounded(.toNearestOrEven) + Float(grid.zeroPoints[indices(index)])
        return code.isNaN ? 0 : Int(min(max(code, Float(grid.codes.lowerBound)), Float(grid.codes.upperBound)))
      }
      let elements: Tensor.Elements = grid.codes.lowerBound < 0 ? .int8(codes.map { Int8($0) }) : .uint8(codes.map { UInt8($0) })
      if grid.bits == 4 { importer.fourBitRanges[node.output] = grid.codes }
      try importer.bind(node.output, to: .constant(Tensor(shape: tensor.shape, elements: elements)), node)
    default: throw node.unsupported("only tensors in floating point are quantized")
    }
  }

  private static func dequantizeLinear(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let name = try node.requiredInput(0, "x")
    switch try importer.value(name, node) {
    case .codes(let codes):
      let grid = try importer.grid(node, default: codes.grid.codes, rank: importer.types[codes.source]?.rank ?? 0)
      guard grid == codes.grid else {
        throw node.unsupported("scale and zero-point differ from those of the QuantizeLinear that makes '\(name)'")
      }
      try importer.fakeQuantize(codes, name, node)
    case .constant(let tensor): try importer.dequantize(tensor, name, node)
    default: throw node.unsupported("only integers of the file or of a QuantizeLinear are dequantized")
    }
  }

  /// Takes a Clip between QuantizeLinear and DequantizeLinear, which limits the codes.
  /// - Returns: whether the node is one.
  mutating func clipsCodes(_ node: ONNXImportNode) throws(ONNXError) -> Bool {
    guard case .codes(var codes) = try inputValue(0, node) else { return false }
    for index in 1...2 where node.input(index) != nil {
      guard let bound = try constant(index, node)?.integers?.first else { throw node.unsupported("only bounds that are constant numbers are") }
      let lower = index == 1 ? max(codes.limits.lowerBound, bound) : codes.limits.lowerBound
      let upper = index == 2 ? min(codes.limits.upperBound, bound) : codes.limits.upperBound
      guard lower <= upper else { throw node.error("it leaves the codes from \(lower) to \(upper)") }
      codes.limits = lower...upper
    }
    try bind(node.output, to: .codes(codes), node)
    return true
  }

  private mutating func fakeQuantize(_ codes: ONNXCodes, _ name: String, _ node: ONNXImportNode) throws(ONNXError) {
    if let known = dequantized[name] { return try alias(known, node) }
    // Codes that were only moved since they were quantized are quantized already.
    if grids[codes.source] == codes.span, !isFileOutput(node.output) {
      dequantized[name] = codes.source
      return try alias(codes.source, node)
    }
    guard let quantizer = codes.quantizer else {
      throw node.unsupported(
        "its codes from \(codes.limits.lowerBound) to \(codes.limits.upperBound) with zero-points \(codes.grid.zeroPoints.prefix(4))")
    }
    let id = uniqueName("\(codes.source)|OUTPUT")
    var source = codes.source
    if let clip = quantizer.clip {
      // Rounding is monotonic: a limit of the codes is a limit of the values.
      let bounds = Clip(lower: codes.grid.value(clip.lowerBound, at: 0), upper: codes.grid.value(clip.upperBound, at: 0))
      source = try emitHelper(bounds, [source], "limits", node)
    }
    try emitQuantizer(quantizer, [source], id, node)
    dequantized[name] = node.output
    grids[node.output] = codes.span
  }

  /// Bytes of several dimensions become a parameter with a fake quantizer, so that it can be trained, inspected and lowered again; anything else a parameter.
  private mutating func dequantize(_ tensor: Tensor, _ name: String, _ node: ONNXImportNode) throws(ONNXError) {
    let integers: [Int]
    let codes: ClosedRange<Int>
    switch tensor.elements {
    case .int8(let values): (integers, codes) = (values.map(Int.init), fourBitRanges[name] ?? -128...127)
    case .uint8(let values): (integers, codes) = (values.map(Int.init), fourBitRanges[name] ?? 0...255)
    case .int32(let values): (integers, codes) = (values.map(Int.init), Int(Int32.min)...Int(Int32.max))
    default: throw node.unsupported("of \(tensor.elementType)")
    }
    let grid = try grid(node, default: codes, rank: tensor.shape.count)
    try spend(integers.count, node)
    let indices = try parameterIndices(of: grid, tensor.shape, node)
    let values = Tensor(integers.indices.map { grid.value(integers[$0], at: indices($0)) }, shape: tensor.shape)
    guard tensor.elementType != .int32, tensor.shape.count > 1 else {
      names[node.output] = name
      return try bind(node.output, to: .constant(values), node)
    }
    // A symmetric quantizer that leaves out the lowest code is a narrow one.
    let isSymmetric = grid.zeroPoints.allSatisfy { $0 == codes.lowerBound + codes.count / 2 }
    let limits = isSymmetric && !integers.contains(codes.lowerBound) ? codes.lowerBound + 1...codes.upperBound : codes
    guard let quantizer = ONNXCodes(source: name, grid: grid, limits: limits).quantizer else {
      throw node.unsupported("the weight '\(name)' has no fake quantizer")
    }
    let weight = add(values, named: name, .parameter)
    try emitQuantizer(quantizer, [weight], uniqueName("\(name)|WEIGHT"), node)
  }

  /// Adds a fake quantizer with its parameters, under the name `id`.
  mutating func emitQuantizer(_ quantizer: ONNXCodes.Quantizer, _ inputs: [TensorName], _ id: String, _ node: ONNXImportNode)
    throws(ONNXError)
  {
    var inputs = inputs
    for (suffix, values) in quantizer.parameters { inputs.append(add(Tensor(values, shape: [values.count]), named: "\(id).\(suffix)", .parameter)) }
    try emit(quantizer.op, inputs, node)
    assembly.graph.nodes[graph.nodes.count - 1].name = id
  }

  /// Scale and zero-point of a QuantizeLinear, which makes bytes or halves of bytes.
  private mutating func byteGrid(_ node: ONNXImportNode, rank: Int) throws(ONNXError) -> ONNXGrid {
    let codes: ClosedRange<Int>?
    switch ONNXTensorProto.DataType(rawValue: try node.int("output_dtype", default: 0)) {
    case .undefined, .uint8: codes = 0...255
    case .int8: codes = -128...127
    case .uint4: codes = 0...15
    case .int4: codes = -8...7
    default: codes = nil
    }
    guard let codes, case let grid = try grid(node, default: codes, rank: rank), grid.bits != nil else {
      throw node.unsupported("to other integers than int8 and uint8, int4 and uint4")
    }
    return grid
  }

  /// Scale and zero-point of a node.
  /// - Throws: `ONNXError` when they are not constants, of unlike counts, or no scale for a file: positive and finite.
  private mutating func grid(_ node: ONNXImportNode, default codes: ClosedRange<Int>, rank: Int) throws(ONNXError) -> ONNXGrid {
    guard let scale = try constant(1, node), let scales = scale.floats else { throw node.unsupported("only a constant float32 scale is") }
    guard !scales.isEmpty, scales.allSatisfy({ $0 > 0 && ($0 * 256).isFinite }) else {
      throw node.error(
        "its scale holds \(scales.first { !($0 > 0 && ($0 * 256).isFinite) }.map { "\($0)" } ?? "nothing"), expected positive finite numbers")
    }
    var grid = ONNXGrid(scales: scales, zeroPoints: [Int](repeating: 0, count: scales.count), axis: nil, codes: codes)
    if let name = node.input(2) {
      guard let tensor = try constant(2, node), let zeros = tensor.integers else { throw node.unsupported("only a constant integer zero-point is") }
      switch tensor.elementType {
      case .int8: grid.codes = fourBitRanges[name] ?? -128...127
      case .uint8: grid.codes = fourBitRanges[name] ?? 0...255
      case .int32: grid.codes = Int(Int32.min)...Int(Int32.max)
      default: throw node.unsupported("a zero-point of \(tensor.elementType)")
      }
      guard zeros.count == scales.count else { throw node.error("it has \(scales.count) scales and \(zeros.count) zero-points") }
      grid.zeroPoints = zeros
    }
    guard scale.shape.count < 2, try node.int("block_size", default: 0) == 0 else { throw node.unsupported("in blocks") }
    if scales.count > 1 {
      let axis = try node.int("axis", default: 1)
      grid.axis = axis < 0 ? axis + rank : axis
      guard (0..<rank).contains(axis < 0 ? axis + rank : axis) else { throw node.error("its axis is \(axis), the tensor has \(rank) dimensions") }
    }
    return grid
  }

  /// For each element of a tensor the index of its scale.
  private func parameterIndices(of grid: ONNXGrid, _ shape: [Int], _ node: ONNXImportNode) throws(ONNXError) -> (Int) -> Int {
    guard let axis = grid.axis else { return { _ in 0 } }
    guard shape[axis] == grid.scales.count else { throw node.error("it has \(grid.scales.count) scales for axis \(axis) of shape \(shape)") }
    let inner = shape[(axis + 1)...].reduce(1, *)
    let count = grid.scales.count
    return { $0 / inner % count }
  }
}
