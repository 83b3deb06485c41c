import QATGraph
import QATImporting
import QATTensor

/// Arithmetic of shapes, and changes of an image's size.
extension TensorFlowImporter {
  static let shapes: [String: OperatorImporter] = [
    "Shape": { importer, node throws(TensorFlowError) in
      try importer.bind(node.name, to: .integers(SymbolicIntegers(elements: try importer.dimensions(0, node))), node)
    },
    "Rank": { importer, node throws(TensorFlowError) in
      let rank = try importer.dimensions(0, node).count
      try importer.bind(node.name, to: .integers(SymbolicIntegers(elements: [.fixed(rank)], isScalar: true)), node)
    },
    "Size": { importer, node throws(TensorFlowError) in
      let dimensions = try importer.dimensions(0, node)
      guard let size = dimensions.reduce(Dimension.fixed(1) as Dimension?, { total, next in total.flatMap { Dimension.product($0, next) } }) else {
        throw node.unsupported("of \(dimensions)")
      }
      try importer.bind(node.name, to: .integers(SymbolicIntegers(elements: [size], isScalar: true)), node)
    },
    "Fill": fill, "Range": range,
    "BroadcastTo": { importer, node throws(TensorFlowError) in
      guard let shape = try importer.value(1, node).integers?.elements else { throw node.unsupported("only to a known shape is") }
      try importer.emit(Expand(shape: shape), [try importer.plain(0, node)], .plain, node)
    },
  ]

  private static func fill(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    guard let shape = try importer.value(0, node).integers?.elements, let value = try importer.constant(1, node), value.count == 1 else {
      throw node.unsupported("only a known shape and a constant number are")
    }
    let sizes = shape.compactMap(\.fixedSize)
    guard sizes.count == shape.count else {
      let name = importer.add(value.reshaped([]), named: importer.assembly.uniqueName("\(node.name)/value"), .fixed)
      return try importer.emit(Expand(shape: shape), [name], .plain, node)
    }
    guard sizes.map(Dimension.fixed).boundedElementCount != nil else { throw node.error("it makes a tensor of shape \(sizes.prefix(8))") }
    try importer.spend(sizes.elementCount, node)
    let elements = value.elements.gathered([Int](repeating: 0, count: sizes.elementCount))
    try importer.bind(node.name, to: .constant(Tensor(shape: sizes, elements: elements), origin: node.name), node)
  }

  private static func range(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let bounds = [
      try importer.integers(0, "start", node), try importer.integers(1, "limit", node), try importer.integers(2, "delta", node),
    ]
    guard bounds.allSatisfy({ $0.count == 1 }), bounds[2][0] != 0 else {
      throw node.error("it counts from \(bounds[0]) to \(bounds[1]) in steps of \(bounds[2])")
    }
    let (start, limit, step) = (bounds[0][0], bounds[1][0], bounds[2][0])
    let count = (limit > start) == (step > 0) && limit != start ? ((limit - start).magnitude - 1) / step.magnitude + 1 : 0
    try importer.spend(Int(clamping: count), node)
    let values = (0..<Int(count)).map { Int32(truncatingIfNeeded: start + $0 * step) }
    try importer.bind(node.name, to: .constant(Tensor(shape: [values.count], elements: .int32(values)), origin: node.name), node)
  }

  static let resizes: [String: OperatorImporter] = [
    "ResizeBilinear": resize { _ in .linear },
    "ResizeNearestNeighbor": resize { coordinates in coordinates == .asymmetric ? .nearest(.floor) : .nearest(.preferCeil) },
  ]

  private static func resize(_ interpolation: @escaping @Sendable (Resize.Coordinates) -> Resize.Interpolation) -> OperatorImporter {
    { importer, node throws(TensorFlowError) in
      let size = try importer.integers(1, "size", node)
      guard size.count == 2, size.allSatisfy({ $0 > 0 }) else { throw node.error("its size is \(size)") }
      let isAligned = try node.flag("align_corners", default: false)
      let coordinates: Resize.Coordinates = isAligned ? .alignCorners : try node.flag("half_pixel_centers", default: false) ? .halfPixel : .asymmetric
      let op = Resize(.sizes([nil, nil, size[0], size[1]]), interpolation(coordinates), coordinates)
      try importer.emit(op, [try importer.image(0, node)], .channelsLast, node)
    }
  }
}
