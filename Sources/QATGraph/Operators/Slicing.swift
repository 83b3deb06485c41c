import QATTensor

/// Elements of x at regular places along some axes. Source: ONNX operator Slice, with the bounds as attributes. A file's Split is one slice an output.
public struct Slice: Operator {
  /// ONNX's name.
  public static let type = "Slice"
  /// x.
  public static let inputCount = 1...1
  /// The axes that are cut; negative ones count from the end.
  public var axes: [Int]
  /// First position on each of them; negative ones count from the end, those beyond an end stand for it.
  public var starts: [Int]
  /// The position behind the last one, in the direction of the step, likewise.
  public var ends: [Int]
  /// Distance between positions, never 0. Negative ones reverse the axis.
  public var steps: [Int]

  /// A slice; of steps 1 unless said otherwise.
  public init(axes: [Int], starts: [Int], ends: [Int], steps: [Int]? = nil) {
    self.axes = axes
    self.starts = starts
    self.ends = ends
    self.steps = steps ?? [Int](repeating: 1, count: axes.count)
  }

  /// x with fewer positions. The batch can only be taken whole.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    guard starts.count == axes.count, ends.count == axes.count, steps.count == axes.count, !steps.contains(0) else {
      throw ShapeError("Slice needs a start, an end and a step other than 0 for each of the axes \(axes), found \(starts), \(ends), \(steps)")
    }
    var result = x
    var seen = Set<Int>()
    for (index, axis) in axes.enumerated() {
      let axis = try normalized(axis: axis, rank: x.rank)
      guard seen.insert(axis).inserted else { throw ShapeError("Slice names axis \(axis) twice in \(axes)") }
      if let size = x.dimensions[axis].fixedSize {
        guard size >= 0 else { throw ShapeError("Slice cannot cut \(x)") }
        result.dimensions[axis] = .fixed(positions(index, of: size).count)
      } else if starts[index] != 0 || ends[index] < Int(Int32.max) || steps[index] != 1 {
        throw ShapeError("Slice takes \(starts[index])..<\(ends[index]) of the batch dimension of \(x), which only whole can be taken")
      }
    }
    return [result]
  }

  /// The first position and the number of positions on the axis at `index` of `axes`, whose size is `size`.
  public func positions(_ index: Int, of size: Int) -> (first: Int, count: Int) {
    let step = steps[index]
    func clamped(_ position: Int, _ lowest: Int) -> Int {
      let fromFront = position < 0 ? position + size : position
      return Swift.min(Swift.max(fromFront, lowest), step > 0 ? size : size - 1)
    }
    let first = clamped(starts[index], 0)
    let end = clamped(ends[index], step > 0 ? 0 : -1)
    let length = step > 0 ? end - first : first - end
    return (first, length > 0 ? Int(UInt(length - 1) / step.magnitude) + 1 : 0)
  }
}

/// Adds elements around x, or cuts some off. Source: ONNX operator Pad.
public struct Pad: Operator {
  /// ONNX's name.
  public static let type = "Pad"
  /// x.
  public static let inputCount = 1...1

  /// What the added elements are.
  public enum Mode: Sendable, Hashable {
    /// A number.
    case constant(Float)
    /// The elements inside, mirrored at the outermost one.
    case reflect
    /// The outermost element.
    case edge
    /// The elements at the other end.
    case wrap
  }

  /// How many elements are added before each axis, then behind each axis. Negative numbers cut off.
  public var pads: [Int]
  /// What is added.
  public var mode: Mode

  /// A padding.
  public init(pads: [Int], mode: Mode = .constant(0)) {
    self.pads = pads
    self.mode = mode
  }

  /// x with its sizes plus pads. The batch is not padded.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    guard pads.count == 2 * x.rank else { throw ShapeError("Pad has \(pads.count) pads, x is \(x): expected two an axis") }
    var result = x
    for (axis, dimension) in x.dimensions.enumerated() {
      let (before, after) = (pads[axis], pads[axis + x.rank])
      if before == 0, after == 0 { continue }
      guard let size = dimension.fixedSize, size >= 0 else { throw ShapeError("Pad cannot add to the batch dimension of \(x)") }
      let (sum, overflow) = before.addingReportingOverflow(after)
      let (total, overflows) = size.addingReportingOverflow(sum)
      let most = mode == .reflect ? size - 1 : mode == .wrap ? size : mode == .edge && size == 0 ? 0 : Int.max
      guard !overflow, !overflows, total >= 0, before >= -size, after >= -size, Swift.max(before, after) <= most else {
        throw ShapeError("Pad cannot add \(before) and \(after) elements to axis \(axis) of \(x)")
      }
      result.dimensions[axis] = .fixed(total)
    }
    return [result]
  }
}
