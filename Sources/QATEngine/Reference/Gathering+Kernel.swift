import QATGraph
import QATTensor
import RealModule

// Indices have no gradient, and there is none with respect to which element was taken.

extension Gather: ReferenceKernel {
  /// Copies runs of elements that are consecutive in data.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let data = operand(inputs, 0)
    var elements: [S] = []
    for start in starts(data.shape, operand(inputs, 1)) {
      elements += start.map { Array(data.elements[$0..<$0 + run(data.shape)]) } ?? [S](repeating: .nan, count: run(data.shape))
    }
    return KernelResult([NDArray(elements, shape: outputShape(data.shape, operand(inputs, 1).shape))])
  }

  /// Adds the gradient of each run to the one it was copied from; sums are in Double.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let shape = operand(inputs, 0).shape
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for (index, start) in starts(shape, operand(inputs, 1)).enumerated() {
      guard let start else { continue }
      for offset in 0..<run(shape) { sums[start + offset] += Double(outputGradients[0].elements[index * run(shape) + offset]) }
    }
    return [NDArray(sums.map { S($0) }, shape: shape), nil]
  }

  private func position(_ shape: [Int]) -> Int { axis < 0 ? axis + shape.count : axis }

  /// Number of consecutive elements that one index takes.
  private func run(_ shape: [Int]) -> Int { Array(shape[(position(shape) + 1)...]).elementCount }

  /// Where in data each run of the output starts; nil for an index that data does not have.
  private func starts<S>(_ shape: [Int], _ indices: NDArray<S>) -> [Int?] {
    let size = shape[position(shape)]
    let places = indices.elements.map { place(of: $0, in: size) }
    return (0..<Array(shape[..<position(shape)]).elementCount).flatMap { outer in places.map { $0.map { (outer * size + $0) * run(shape) } } }
  }

  private func outputShape(_ data: [Int], _ indices: [Int]) -> [Int] { data[..<position(data)] + indices + data[(position(data) + 1)...] }
}

extension GatherElements: ReferenceKernel {
  /// Copies element by element.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let data = operand(inputs, 0)
    let indices = operand(inputs, 1)
    return KernelResult([NDArray(sources(data.shape, indices).map { $0.map { data.elements[$0] } ?? .nan }, shape: indices.shape)])
  }

  /// Adds each element of the gradient to the place it was copied from; sums are in Double.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let shape = operand(inputs, 0).shape
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for (index, source) in sources(shape, operand(inputs, 1)).enumerated() {
      if let source { sums[source] += Double(outputGradients[0].elements[index]) }
    }
    return [NDArray(sums.map { S($0) }, shape: shape), nil]
  }

  /// Where in data each element of the output stands; nil for an index that data does not have.
  func sources<S>(_ shape: [Int], _ indices: NDArray<S>) -> [Int?] {
    let axis = axis < 0 ? axis + shape.count : axis
    var strides = shape.rowMajorStrides
    let stride = strides[axis]
    strides[axis] = 0
    return zip(stridedOffsets(shape: indices.shape, strides: strides), indices.elements).map { offset, index in
      place(of: index, in: shape[axis]).map { offset + $0 * stride }
    }
  }
}

extension GatherND: ReferenceKernel {
  /// Copies runs of elements that are consecutive in data.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let (data, indices) = (operand(inputs, 0), operand(inputs, 1))
    let runs = NamedRuns(data.shape, indices, batchDimensions: batchDimensions)
    var elements: [S] = []
    for start in runs.starts {
      elements += start.map { Array(data.elements[$0..<$0 + runs.length]) } ?? [S](repeating: .nan, count: runs.length)
    }
    return KernelResult([NDArray(elements, shape: indices.shape.dropLast() + data.shape[runs.firstUnnamed...])])
  }

  /// Adds the gradient of each run to the one it was copied from; sums are in Double.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let shape = operand(inputs, 0).shape
    let runs = NamedRuns(shape, operand(inputs, 1), batchDimensions: batchDimensions)
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for (index, start) in runs.starts.enumerated() {
      guard let start else { continue }
      for offset in 0..<runs.length { sums[start + offset] += Double(outputGradients[0].elements[index * runs.length + offset]) }
    }
    return [NDArray(sums.map { S($0) }, shape: shape), nil]
  }
}

/// The runs of consecutive elements of an array that the last rows of indices name.
struct NamedRuns {
  /// Where each run starts; nil for one that the array does not have.
  var starts: [Int?]
  /// Elements of each.
  var length: Int
  /// The first axis that is not named.
  var firstUnnamed: Int

  init<S: BinaryFloatingPoint>(_ shape: [Int], _ indices: NDArray<S>, batchDimensions: Int = 0) {
    let count = indices.shape[indices.shape.count - 1]
    let strides = shape.rowMajorStrides
    firstUnnamed = batchDimensions + count
    length = Array(shape[firstUnnamed...]).elementCount
    let rows = indices.count / count
    // Rows of one batch follow each other.
    let rowsPerBatch = Array(indices.shape[batchDimensions..<indices.shape.count - 1]).elementCount
    let batchStride = Array(shape[batchDimensions...]).elementCount
    starts = (0..<rows).map { row in
      var start: Int? = row / rowsPerBatch * batchStride
      for axis in 0..<count {
        let place = place(of: indices.elements[row * count + axis], in: shape[batchDimensions + axis])
        start = start.flatMap { start in place.map { start + $0 * strides[batchDimensions + axis] } }
      }
      return start
    }
  }
}

/// The position that an index stands for on an axis of `size`; negative ones count from the end. nil when there is none.
func place<S: BinaryFloatingPoint>(of index: S, in size: Int) -> Int? {
  guard index >= S(-size), index < S(size) else { return nil }
  return index < 0 ? Int(index) + size : Int(index)
}
