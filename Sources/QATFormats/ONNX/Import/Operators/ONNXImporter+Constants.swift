import QATGraph
import QATImporting
import QATTensor

/// Values that stand in the file, and operators that hand values on.
extension ONNXImporter {
  static let constants: [String: OperatorImporter] = [
    "Constant": constantNode,
    "ConstantOfShape": constantOfShape,
    "Identity": identity,
    "NonZero": nonZero,
    "Range": range,
  ]

  private static func constantNode(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let tensor: Tensor
    if let proto = try node.tensor("value") {
      tensor = try importer.decoded(proto)
      importer.fourBitRanges[node.output] = proto.fourBitRange
    } else if node.has("value_float") {
      tensor = Tensor([try node.float("value_float", default: 0)], shape: [])
    } else if node.has("value_int") {
      tensor = Tensor(shape: [], elements: .int64([Int64(try node.int("value_int", default: 0))]))
    } else if let values = try node.floats("value_floats") {
      tensor = Tensor(values, shape: [values.count])
    } else if let values = try node.ints("value_ints") {
      tensor = Tensor(int64: values.map(Int64.init))
    } else {
      throw node.unsupported("only constants with value, value_float, value_floats, value_int or value_ints are")
    }
    try importer.bind(node.output, to: .constant(tensor), node)
  }

  /// An identity of a constant copies the value under the new name: exporters merge equal initializers, so that batch norm's variance can be an
  /// identity of its gamma. Sharing would train the statistics.
  private static func identity(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let value = try importer.inputValue(0, node) else { throw node.error("Identity needs an input") }
    importer.fourBitRanges[node.output] = node.input(0).flatMap { importer.fourBitRanges[$0] }
    if case .computed(let x) = value { try importer.alias(x, node) } else { try importer.bind(node.output, to: value, node) }
  }

  private static func constantOfShape(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let shape = try importer.inputValue(0, node)?.integers else { throw node.unsupported("only a shape that is known up to the batch size is") }
    let value = try node.tensor("value").map { proto throws(ONNXError) in try importer.decoded(proto) } ?? Tensor([0], shape: [1])
    guard value.count == 1 else { throw node.error("the attribute 'value' has \(value.count) elements, expected 1") }
    guard let sizes = shape.known else {
      let number = importer.add(value.reshaped([]), named: importer.uniqueName("\(node.name)/value"), .fixed)
      return try importer.emit(Expand(shape: shape.elements), [number], node)
    }
    guard sizes.count <= 64, sizes.map(Dimension.fixed).boundedElementCount != nil else { throw node.error("it fills the shape \(sizes.prefix(8))") }
    try importer.spend(sizes.elementCount, node)
    try importer.bind(node.output, to: .constant(value.repeated(sizes)), node)
  }

  private static func range(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    var bounds: [Tensor] = []
    for index in 0..<3 { if let bound = try importer.constant(index, node), bound.count == 1 { bounds.append(bound) } }
    if bounds.count == 2, try importer.inputValue(1, node)?.integers?.elements == [.batch], bounds.compactMap({ $0.integers?.first }) == [0, 1] {
      return try importer.bind(node.output, to: .sampleIndices(SampleIndices()), node)
    }
    guard bounds.count == 3 else { throw node.unsupported("only of constant numbers is, or of all samples") }
    let integers = bounds.compactMap { $0.integers?.first }
    if integers.count == 3 {
      let (start, limit, step) = (integers[0], integers[1], integers[2])
      let (span, overflow) = limit.subtractingReportingOverflow(start)
      guard step != 0, !overflow else { throw node.error("it counts from \(start) to \(limit) in steps of \(step)") }
      let count = (span > 0) == (step > 0) && span != 0 ? (span.magnitude - 1) / step.magnitude + 1 : 0
      try importer.spend(Int(clamping: count), node)
      let values = (0..<Int(count)).map { start + $0 * step }
      let isNarrow = bounds[0].elementType == .int32
      let elements: Tensor.Elements = isNarrow ? .int32(values.map { Int32(truncatingIfNeeded: $0) }) : .int64(values.map(Int64.init))
      return try importer.bind(node.output, to: .constant(Tensor(shape: [values.count], elements: elements)), node)
    }
    let floats = bounds.compactMap { $0.floats?.first }
    guard floats.count == 3 else { throw node.error("its three inputs are of different types: \(bounds.map(\.elementType))") }
    let count = ((floats[1] - floats[0]) / floats[2]).rounded(.up)
    guard count.isFinite, count <= Float(importer.assembly.foldingBudget) else {
      throw node.error("it counts from \(floats[0]) to \(floats[1]) in steps of \(floats[2])")
    }
    let values = (0..<max(Int(count), 0)).map { floats[0] + Float($0) * floats[2] }
    try importer.spend(values.count, node)
    try importer.bind(node.output, to: .constant(Tensor(values, shape: [values.count])), node)
  }

  private static func nonZero(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    guard let tensor = try importer.constant(0, node) else {
      throw node.unsupported("only of constants is: the size of its result depends on numbers")
    }
    let places = tensor.nonZeroPlaces
    try importer.spend(places.count * tensor.shape.count, node)
    let strides = tensor.shape.rowMajorStrides
    let positions = tensor.shape.indices.flatMap { axis in places.map { Int64($0 / strides[axis] % tensor.shape[axis]) } }
    try importer.bind(node.output, to: .constant(Tensor(shape: [tensor.shape.count, places.count], elements: .int64(positions))), node)
  }
}

extension Tensor {
  /// The one element of this tensor, in every place of `shape`.
  fileprivate func repeated(_ shape: [Int]) -> Tensor {
    let count = shape.elementCount
    let repeated: Elements =
      switch elements {
      case .float32(let values): .float32([Float](repeating: values[0], count: count))
      case .float64(let values): .float64([Double](repeating: values[0], count: count))
      case .int8(let values): .int8([Int8](repeating: values[0], count: count))
      case .uint8(let values): .uint8([UInt8](repeating: values[0], count: count))
      case .int32(let values): .int32([Int32](repeating: values[0], count: count))
      case .int64(let values): .int64([Int64](repeating: values[0], count: count))
      case .bool(let values): .bool([Bool](repeating: values[0], count: count))
      }
    return Tensor(shape: shape, elements: repeated)
  }

  /// Offsets of the elements that are not zero or false.
  fileprivate var nonZeroPlaces: [Int] {
    switch elements {
    case .float32(let values): values.indices.filter { values[$0] != 0 }
    case .float64(let values): values.indices.filter { values[$0] != 0 }
    case .int8(let values): values.indices.filter { values[$0] != 0 }
    case .uint8(let values): values.indices.filter { values[$0] != 0 }
    case .int32(let values): values.indices.filter { values[$0] != 0 }
    case .int64(let values): values.indices.filter { values[$0] != 0 }
    case .bool(let values): values.indices.filter { values[$0] }
    }
  }
}
