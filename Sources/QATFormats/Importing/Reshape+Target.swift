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
    if let literalBatch, let (axis, multiple) = Self.batchAxis(of: target, for: type, literalBatch) { target[axis] = .batch(multiple: multiple) }
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

  /// In a file with a fixed batch, the number of a target that holds the batch, and how often; nil when the target says it itself.
  ///
  /// The batch stays where it is among the elements: what lies before it in the tensor lies before it in the target. A dimension of its own is preferred; where
  /// it could belong to either neighbour, it joins the one behind it, but not the last dimension, which are features.
  private static func batchAxis(of target: [Dimension], for type: TensorType, _ literalBatch: Int) -> (axis: Int, multiple: Int)? {
    guard literalBatch < 1 << 30, let place = type.dimensions.firstIndex(where: { $0.fixedSize == nil }),
      let total = type.elementCount(batchSize: literalBatch), total > 0
    else { return nil }
    var sizes: [Int] = []
    for (axis, dimension) in target.enumerated() {
      guard let size = dimension.fixedSize, size != 0 || (axis < type.rank && axis != place) else { return nil }
      sizes.append(size == 0 ? type.dimensions[axis].fixedSize ?? 0 : size)
    }
    let open = sizes.firstIndex(of: -1)
    if let open {
      sizes[open] = 1
      guard let known = sizes.checkedElementCount, known > 0, total % known == 0 else { return nil }
      sizes[open] = total / known
    }
    guard sizes.allSatisfy({ $0 > 0 }), sizes.checkedElementCount == total else { return nil }
    let before = type.dimensions[..<place].compactMap(\.fixedSize).elementCount
    let through = before * type.dimensions[place].resolved(batchSize: literalBatch)
    var (alone, behind, joined): (Int?, Int?, Int?)
    var prefix = 1
    for (axis, size) in sizes.enumerated() {
      if size % literalBatch == 0 {
        if size == literalBatch, prefix >= before, prefix * size <= through, alone == nil { alone = axis }
        if prefix == before, behind == nil, axis == 0 || axis < sizes.count - 1 { behind = axis }
        if prefix * size == through, joined == nil { joined = axis }
      }
      prefix *= size
    }
    guard let axis = alone ?? behind ?? joined, axis != open else { return nil }
    return (axis, sizes[axis] / literalBatch)
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
