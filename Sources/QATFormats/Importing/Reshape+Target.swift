import QATGraph
import QATTensor

/// What the shapes that files give to reshapes mean.
extension Reshape {
  /// The shape with 0 and −1 resolved, or nil when it does not fit.
  package static func resolved(_ target: [Int], for shape: [Int]) -> [Int]? {
    var result = target
    for (axis, size) in target.enumerated() where size == 0 {
      guard axis < shape.count else { return nil }
      result[axis] = shape[axis]
    }
    let known = result.filter { $0 != -1 }
    guard known.allSatisfy({ $0 >= 0 }), known.count >= result.count - 1, known.map(Dimension.fixed).boundedElementCount != nil else { return nil }
    if let open = result.firstIndex(of: -1) {
      guard known.elementCount > 0, shape.elementCount % known.elementCount == 0 else { return nil }
      result[open] = shape.elementCount / known.elementCount
    }
    return result.elementCount == shape.elementCount ? result : nil
  }

  /// A reshape of a tensor to dimensions of which the file may have the batch as a number, as a symbol or not at all, as 0 or −1.
  /// - Parameters:
  ///   - type: the tensor's.
  ///   - target: the dimensions that the file asks for.
  ///   - literalBatch: the size in the file that stands for the batch, when the file has a fixed one.
  /// - Throws: `ShapeError` when the element count would change.
  package init(of type: TensorType, to target: [Dimension], literalBatch: Int?) throws(ShapeError) {
    var target = target
    if let literalBatch, case .batch(let multiple)? = type.dimensions.first, case .fixed(let leading)? = target.first,
      multiple <= Int(Int32.max), literalBatch <= Int(Int32.max), leading == multiple * literalBatch
    {
      target[0] = .batch(multiple: multiple)
    }
    var shape: [Int] = []
    for (axis, dimension) in target.enumerated() {
      switch dimension {
      case .fixed(let size): shape.append(size)
      case .batch: shape.append(axis < type.rank && type.dimensions[axis] == dimension ? 0 : -1)
      }
    }
    // The place for −1 is taken when the batch has moved: then the open size must be computed.
    if shape.count(where: { $0 == -1 }) > 1, let open = target.firstIndex(of: -1), let size = Self.openSize(target, shape, type) {
      shape[open] = size
    }
    guard shape.allSatisfy({ $0 >= -1 }), shape.filter({ $0 > 0 }).map(Dimension.fixed).boundedElementCount != nil else {
      throw ShapeError("it reshapes \(type) to \(target)")
    }
    self.init(shape: shape)
    do throws(ShapeError) {
      let result = try outputTypes(for: [type])
      for (found, expected) in zip(result[0].dimensions, target) where expected.fixedSize == nil && found != expected {
        throw ShapeError("it reshapes \(type) to \(target), which does not keep the element count")
      }
    } catch {
      let hint = literalBatch.map { "; the file has a fixed batch of \($0): export it with a dynamic first dimension" } ?? ""
      throw ShapeError(error.description + hint)
    }
  }

  /// What the −1 of `target` stands for: the quotient of all elements and the other dimensions.
  private static func openSize(_ target: [Dimension], _ shape: [Int], _ type: TensorType) -> Int? {
    func product(_ dimensions: [Dimension]) -> Dimension? {
      dimensions.reduce(.fixed(1)) { total, dimension in total.flatMap { Dimension.product($0, dimension) } }
    }
    var others: [Dimension] = []
    for (axis, dimension) in target.enumerated() where dimension != -1 {
      if dimension == 0 {
        guard axis < type.rank else { return nil }
        others.append(type.dimensions[axis])
      } else {
        others.append(dimension)
      }
    }
    guard let all = product(type.dimensions), let known = product(others) else { return nil }
    return Dimension.quotient(all, known)?.fixedSize
  }
}
