import QATTensor

/// Reads x at the places of a finer or coarser grid. Source: ONNX operator Resize; Upsample is its ancestor.
public struct Resize: Operator {
  /// ONNX's name.
  public static let type = "Resize"
  /// x.
  public static let inputCount = 1...1

  /// How large the result is.
  public enum Extent: Sendable, Hashable {
    /// A factor for each dimension; 1 leaves it as it is. The new size is rounded down.
    case scales([Float])
    /// The new size of each dimension, nil where it stays.
    case sizes([Int?])
  }

  /// How a value is made of those around its place.
  public enum Interpolation: Sendable, Hashable {
    /// The nearest one.
    case nearest(Rounding)
    /// A weighted mean of the two on each side along every axis.
    case linear
    /// Keys' cubic convolution of four along every axis; weights outside the image count for the edge, or not at all.
    case cubic(coefficient: Float, excludesOutside: Bool)
  }

  /// Which value is the nearest one, by ONNX's names.
  public enum Rounding: String, Sendable, Hashable, CaseIterable {
    /// The nearest one; of two the first.
    case preferFloor = "round_prefer_floor"
    /// The nearest one; of two the second.
    case preferCeil = "round_prefer_ceil"
    /// The one before.
    case floor
    /// The one behind.
    case ceil
  }

  /// Where in the image the place i of the result lies, by ONNX's names.
  public enum Coordinates: String, Sendable, Hashable, CaseIterable {
    /// (i + 1/2) / scale − 1/2.
    case halfPixel = "half_pixel"
    /// The same around the middle of the image, however the new size was rounded.
    case halfPixelSymmetric = "half_pixel_symmetric"
    /// The same, and 0 when the new size is 1.
    case pytorchHalfPixel = "pytorch_half_pixel"
    /// i · (size − 1) / (new size − 1).
    case alignCorners = "align_corners"
    /// i / scale.
    case asymmetric
  }

  /// How large the result is.
  public var extent: Extent
  /// How a value is made of those around its place.
  public var interpolation: Interpolation
  /// Where in the image the places of the result lie.
  public var coordinates: Coordinates

  /// A change of size.
  public init(_ extent: Extent, _ interpolation: Interpolation, _ coordinates: Coordinates = .halfPixel) {
    self.extent = extent
    self.interpolation = interpolation
    self.coordinates = coordinates
  }

  /// The new dimensions. One that depends on the batch stays as it is.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    let axes = try changes(of: x.dimensions)
    return [TensorType(x.dimensions.indices.map { axis in axes[axis].map { .fixed($0.size) } ?? x.dimensions[axis] })]
  }

  /// What happens to each dimension: its new size and the factor of places, or nil where it stays.
  /// - Parameter dimensions: those of x.
  /// - Returns: one entry a dimension.
  /// - Throws: `ShapeError` when a changed dimension is not fixed, or a size or factor makes no sense.
  public func changes(of dimensions: [Dimension]) throws(ShapeError) -> [(size: Int, scale: Float)?] {
    var result: [(size: Int, scale: Float)?] = []
    let count =
      switch extent {
      case .scales(let scales): scales.count
      case .sizes(let sizes): sizes.count
      }
    guard count == dimensions.count else { throw ShapeError("Resize has \(count) numbers for \(dimensions.count) dimensions") }
    for (axis, dimension) in dimensions.enumerated() {
      let isUnchanged =
        switch extent {
        case .scales(let scales): scales[axis] == 1
        case .sizes(let sizes): sizes[axis] == nil
        }
      if isUnchanged {
        result.append(nil)
        continue
      }
      guard let old = dimension.fixedSize, old > 0 else { throw ShapeError("Resize cannot change dimension \(axis), which is \(dimension)") }
      switch extent {
      case .scales(let scales):
        // In float32, as runtimes compute it.
        let size = Float(old) * scales[axis]
        guard scales[axis] > 0, size >= 1, size < 0x1p40 else { throw ShapeError("Resize cannot scale a dimension of \(old) by \(scales[axis])") }
        result.append((Int(size), scales[axis]))
      case .sizes(let sizes):
        guard let size = sizes[axis], size > 0, size < 1 << 40 else {
          throw ShapeError("Resize cannot change a dimension of \(old) to \(sizes[axis] ?? 0)")
        }
        result.append((size, Float(size) / Float(old)))
      }
    }
    return result
  }
}
