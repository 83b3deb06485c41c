import QATGraph
import QATTensor

extension Resize: ONNXWritable {
  /// Sizes of some dimensions alone came with opset 18, coordinates around the middle with 19.
  var opset: Int {
    if coordinates == .halfPixelSymmetric { return 19 }
    if case .sizes = extent { return 18 }
    if antialiases { return 18 }
    return Self.firstOpset
  }

  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    var attributes: [ONNXAttributeProto] = [.string("coordinate_transformation_mode", coordinates.rawValue)]
    switch interpolation {
    case .nearest(let rounding): attributes += [.string("mode", "nearest"), .string("nearest_mode", rounding.rawValue)]
    case .linear: attributes += [.string("mode", "linear")]
    case .cubic(let coefficient, let excludesOutside):
      attributes += [.float("cubic_coeff_a", coefficient), .flag("exclude_outside", excludesOutside), .string("mode", "cubic")]
    }
    if antialiases { attributes.append(.flag("antialias", true)) }
    if aspectRatio != .stretch { attributes.append(.string("keep_aspect_ratio_policy", aspectRatio.rawValue)) }
    // A region of some axes names theirs alone.
    var axes = Array(0..<(region?.starts.count ?? 0))
    if case .sizes(let sizes) = extent { axes = sizes.indices.filter { sizes[$0] != nil } }
    let roi = region.map { region in Tensor(axes.map { region.starts[$0] } + axes.map { region.ends[$0] }, shape: [2 * axes.count]) }
    if let region { attributes.append(.float("extrapolation_value", region.filling)) }
    switch extent {
    case .scales(let scales):
      builder.append(node, with: [("roi", roi), ("scales", Tensor(scales, shape: [scales.count]))], attributes: attributes)
    case .sizes(let sizes):
      let tensor = Tensor(int64: sizes.compactMap { $0.map(Int64.init) })
      builder.append(node, with: [("roi", roi), ("scales", nil), ("sizes", tensor)], attributes: [.ints("axes", axes)] + attributes)
    }
  }
}
