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
    /// start · (size − 1) + i · (end − start) · (size − 1) / (new size − 1), where the region starts and ends.
    case cropAndResize = "tf_crop_and_resize"
  }

  /// What sizes that are given mean for the ratio of height and width, by ONNX's names.
  public enum AspectRatio: String, Sendable, Hashable, CaseIterable {
    /// Every dimension gets its size.
    case stretch
    /// All dimensions are scaled alike, so that none exceeds its size.
    case notLarger = "not_larger"
    /// All dimensions are scaled alike, so that none falls below its size.
    case notSmaller = "not_smaller"
  }

  /// A part of x, as fractions of each dimension, which `cropAndResize` reads.
  public struct Region: Sendable, Hashable {
    /// Where it starts and ends along each dimension; 0 and 1 are the first and the last element.
    public var starts, ends: [Float]
    /// What places outside of x hold.
    public var filling: Float

    /// A region.
    public init(starts: [Float], ends: [Float], filling: Float = 0) {
      self.starts = starts
      self.ends = ends
      self.filling = filling
    }
  }

  /// How large the result is.
  public var extent: Extent
  /// How a value is made of those around its place.
  public var interpolation: Interpolation
  /// Where in the image the places of the result lie.
  public var coordinates: Coordinates
  /// What the sizes of `Extent.sizes` mean.
  public var aspectRatio = AspectRatio.stretch
  /// Whether linear and cubic weights are stretched over all elements that a place of a smaller result stands for.
  public var antialiases = false
  /// The part of x that `cropAndResize` reads; nil for all of it.
  public var region: Region?

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
    if let region, region.starts.count != count || region.ends.count != count || !(region.starts + region.ends).allSatisfy(\.isFinite) {
      throw ShapeError("Resize has a region of \(region.starts.count) starts and \(region.ends.count) ends for \(count) dimensions")
    }
    let common = commonScale(dimensions)
    for (axis, dimension) in dimensions.enumerated() {
      let isUnchanged =
        switch extent {
        case .scales(let scales): scales[axis] == 1
        case .sizes(let sizes): sizes[axis] == nil
        }
      let isCropped = coordinates == .cropAndResize && (region.map { $0.starts[axis] != 0 || $0.ends[axis] != 1 } ?? false)
      if isUnchanged && !isCropped {
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
        // Halves are rounded up.
        let size = common.map { $0 * Float(old) + 0.5 } ?? Float(sizes[axis] ?? old)
        guard size >= 1, size < 0x1p40 else { throw ShapeError("Resize cannot change a dimension of \(old) to \(sizes[axis] ?? 0)") }
        result.append((common == nil ? sizes[axis] ?? old : Int(size), common ?? Float(sizes[axis] ?? old) / Float(old)))
      }
    }
    return result
  }

  /// The one factor of all dimensions that have a size, unless each is stretched to its own.
  private func commonScale(_ dimensions: [Dimension]) -> Float? {
    guard aspectRatio != .stretch, case .sizes(let sizes) = extent else { return nil }
    let scales = zip(sizes, dimensions).compactMap { size, dimension in
      dimension.fixedSize.flatMap { old in size.map { Float($0) / Float(old) } }
    }
    return aspectRatio == .notLarger ? scales.min() : scales.max()
  }
}
