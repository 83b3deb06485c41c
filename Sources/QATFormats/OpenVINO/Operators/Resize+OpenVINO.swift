import QATGraph
import QATTensor

extension Resize: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    func refused(_ what: String) -> OpenVINOError { OpenVINOError(node: node.name, "a Resize \(what) has no form in OpenVINO") }
    if antialiases { throw refused("with antialiasing") }
    if coordinates == .halfPixelSymmetric || coordinates == .cropAndResize { throw refused("with coordinates \(coordinates.rawValue)") }
    let dimensions = writer.dimensions(of: node)
    let changes: [(size: Int, scale: Float)?]
    do throws(ShapeError) { changes = try self.changes(of: dimensions) } catch { throw OpenVINOError(node: node.name, error.description) }
    // All axes but the batch's take part, since the kernels know images whole.
    let axes = dimensions.indices.filter { dimensions[$0].fixedSize != nil && ($0 > 1 || changes[$0] != nil) }
    let sizes = axes.map { changes[$0]?.size ?? dimensions[$0].fixedSize ?? 1 }
    let scales = axes.map { changes[$0]?.scale ?? 1 }
    let usesScales: Bool
    switch extent {
    case .scales: usesScales = true
    case .sizes: usesScales = false
    }
    if !usesScales, zip(axes, zip(sizes, scales)).contains(where: { Float($1.0) / Float(dimensions[$0].fixedSize ?? 1) != $1.1 }) {
      throw refused("that keeps the aspect ratio, and whose size is rounded,")
    }
    var mode: [IRAttribute]
    switch interpolation {
    case .nearest(let rounding): mode = [.init("mode", "nearest"), .init("nearest_mode", rounding.rawValue)]
    case .linear: mode = [.init("mode", "linear_onnx"), .init("nearest_mode", "round_prefer_floor")]
    case .cubic(let coefficient, let excludesOutside):
      if excludesOutside { throw refused("without weights outside of the image") }
      mode = [.init("mode", "cubic"), .init("nearest_mode", "round_prefer_floor"), .init("cube_coeff", coefficient)]
    }
    mode += [
      .init("shape_calculation_mode", usesScales ? "scales" : "sizes"), .init("coordinate_transformation_mode", coordinates.rawValue),
      .init("antialias", false), .init("pads_begin", [0]), .init("pads_end", [0]),
    ]
    let extent = usesScales ? writer.constant(Tensor(scales, shape: [scales.count]), "scales", of: node) : writer.list(sizes, "sizes", of: node)
    writer.layer("Interpolate", opset: 11, of: node, inputs: [try writer.read(node.inputs[0]), extent, writer.list(axes, "axes", of: node)], mode)
  }
}
