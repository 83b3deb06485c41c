import QATGraph
import QATTensor

/// Changes of size.
extension ONNXImporter {
  static let resizes: [String: OperatorImporter] = ["Resize": resize, "Upsample": upsample]

  /// Before opset 11 places were i / scale, and the nearest element the one before.
  private static func upsample(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try importer.tensor(0, "X", node)
    var scales = try node.floats("scales")
    if node.input(1) != nil { scales = try importer.constant(1, node)?.floats }
    guard let scales else { throw node.unsupported("only constant scales are") }
    let interpolation: Resize.Interpolation
    switch try node.string("mode") ?? "nearest" {
    case "nearest": interpolation = .nearest(.floor)
    case "linear": interpolation = .linear
    case let mode: throw node.error("the attribute 'mode' is '\(mode)', expected nearest or linear")
    }
    try importer.emit(Resize(.scales(scales), interpolation, .asymmetric), [x], node)
  }

  private static func resize(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    if node.opset < 11 { return try upsample(&importer, node) }
    let name = try node.string("coordinate_transformation_mode") ?? "half_pixel"
    guard let coordinates = Resize.Coordinates(rawValue: name) else {
      throw node.unsupported("only the coordinates \(Resize.Coordinates.allCases.map(\.rawValue).joined(separator: ", ")) are, found \(name)")
    }
    let x = try importer.tensor(0, "X", node)
    guard let dimensions = importer.types[x]?.dimensions else { throw node.error("it reads an unknown tensor") }
    let policy = try node.string("keep_aspect_ratio_policy") ?? "stretch"
    guard let aspectRatio = Resize.AspectRatio(rawValue: policy) else {
      throw node.error("the attribute 'keep_aspect_ratio_policy' is '\(policy)', expected stretch, not_larger or not_smaller")
    }
    var op = Resize(try importer.extent(dimensions, aspectRatio, node), try interpolation(node), coordinates)
    if case .sizes = op.extent { op.aspectRatio = aspectRatio }
    op.antialiases = try node.flag("antialias", default: false)
    if coordinates == .cropAndResize { op.region = try importer.region(dimensions.count, node) }
    try importer.emit(op, [x], node)
  }

  /// The part of x that is read, by starts and ends of all dimensions, or of those that `axes` names.
  private mutating func region(_ rank: Int, _ node: ONNXImportNode) throws(ONNXError) -> Resize.Region {
    let axes = try axes(rank, node)
    guard let values = try constant(1, node)?.floats, values.count == 2 * axes.count else {
      throw node.unsupported("tf_crop_and_resize only with a constant region of \(2 * axes.count) numbers is")
    }
    var region = Resize.Region(
      starts: [Float](repeating: 0, count: rank), ends: [Float](repeating: 1, count: rank),
      filling: try node.float("extrapolation_value", default: 0))
    for (index, axis) in axes.enumerated() {
      region.starts[axis] = values[index]
      region.ends[axis] = values[index + axes.count]
    }
    return region
  }

  /// The dimensions that sizes, scales and regions speak of.
  private func axes(_ rank: Int, _ node: ONNXImportNode) throws(ONNXError) -> [Int] {
    let axes = try (node.ints("axes") ?? Array(0..<rank)).map { $0 < 0 ? $0 + rank : $0 }
    guard axes.allSatisfy((0..<rank).contains), Set(axes).count == axes.count else {
      throw node.error("the attribute 'axes' is \(axes.prefix(8)), x has \(rank) dimensions")
    }
    return axes
  }

  private static func interpolation(_ node: ONNXImportNode) throws(ONNXError) -> Resize.Interpolation {
    switch try node.string("mode") ?? "nearest" {
    case "nearest":
      let name = try node.string("nearest_mode") ?? "round_prefer_floor"
      guard let rounding = Resize.Rounding(rawValue: name) else { throw node.error("the attribute 'nearest_mode' is '\(name)'") }
      return .nearest(rounding)
    case "linear": return .linear
    case "cubic":
      return .cubic(
        coefficient: try node.float("cubic_coeff_a", default: -0.75), excludesOutside: try node.flag("exclude_outside", default: false))
    case let mode: throw node.error("the attribute 'mode' is '\(mode)', expected nearest, linear or cubic")
    }
  }

  /// The new size, by the scales or the sizes of all dimensions, or of those that `axes` names.
  private mutating func extent(_ dimensions: [Dimension], _ aspectRatio: Resize.AspectRatio, _ node: ONNXImportNode) throws(ONNXError)
    -> Resize.Extent
  {
    let axes = try axes(dimensions.count, node)
    if let values = try constant(2, node)?.floats, !values.isEmpty {
      guard values.count == axes.count else { throw node.error("it has \(values.count) scales for \(axes.count) dimensions") }
      var scales = [Float](repeating: 1, count: dimensions.count)
      for (axis, scale) in zip(axes, values) { scales[axis] = scale }
      return .scales(scales)
    }
    guard let given = try inputValue(3, node)?.integers?.elements, given.count == axes.count else {
      throw node.unsupported("only scales that are constant, or sizes that are known up to the batch size, are")
    }
    var sizes = [Int?](repeating: nil, count: dimensions.count)
    for (axis, size) in zip(axes, given) where size != dimensions[axis] || aspectRatio != .stretch {
      // A fixed batch of the file stands for any.
      if dimensions[axis].fixedSize == nil, size == dimensions[axis] || (axis == 0 && size.fixedSize == literalBatch) { continue }
      guard let size = size.fixedSize else { throw node.unsupported("a size of \(size) for a dimension of \(dimensions[axis]) is not") }
      sizes[axis] = size
    }
    if aspectRatio != .stretch { return .sizes(sizes) }
    return Self.scales(for: sizes, of: dimensions).map { .scales($0) } ?? .sizes(sizes)
  }

  /// The factors that give exactly these sizes, which every opset can say; nil when rounding stands against it.
  private static func scales(for sizes: [Int?], of dimensions: [Dimension]) -> [Float]? {
    var scales: [Float] = []
    for (size, dimension) in zip(sizes, dimensions) {
      guard let size, let old = dimension.fixedSize, old > 0 else {
        scales.append(1)
        continue
      }
      let scale = Float(size) / Float(old)
      guard Float(old) * scale < 0x1p40, Int(Float(old) * scale) == size, scale != 1 else { return nil }
      scales.append(scale)
    }
    return scales
  }
}
