import QATGraph
import QATTensor
import RealModule

extension Flatten: ReferenceKernel {
  /// The same elements as a matrix.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([operand(inputs, 0).reshaped(outputShape(inputs))])
  }

  /// The gradient in the input's shape.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [outputGradients[0].reshaped(operand(inputs, 0).shape)]
  }
}

extension Reshape: ReferenceKernel {
  /// The same elements in another shape.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([operand(inputs, 0).reshaped(outputShape(inputs))])
  }

  /// The gradient in the input's shape.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [outputGradients[0].reshaped(operand(inputs, 0).shape)]
  }
}

extension Transpose: ReferenceKernel {
  /// Gathers each element from its place in the input.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    let elements = sources(x.shape).map { x.elements[$0] }
    return KernelResult([NDArray(elements, shape: permutation.map { x.shape[$0] })])
  }

  /// Puts each element of the gradient back to its place in the input.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    var gradient = NDArray<S>(repeating: 0, shape: operand(inputs, 0).shape)
    for (index, source) in sources(gradient.shape).enumerated() { gradient.elements[source] = outputGradients[0].elements[index] }
    return [gradient]
  }

  /// Where in the input, of `shape`, each element of the output stands.
  private func sources(_ shape: [Int]) -> [Int] {
    let strides = shape.rowMajorStrides
    return stridedOffsets(shape: permutation.map { shape[$0] }, strides: permutation.map { strides[$0] })
  }
}

extension Concat: ReferenceKernel {
  /// Joins runs of elements that are consecutive in each input.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let arrays = inputs.indices.map { operand(inputs, $0) }
    var elements: [S] = []
    elements.reserveCapacity(arrays.reduce(0) { $0 + $1.count })
    for outer in 0..<outerCount(arrays[0].shape) {
      for array in arrays {
        let run = runLength(array.shape)
        elements += array.elements[outer * run..<(outer + 1) * run]
      }
    }
    return KernelResult([NDArray(elements, shape: outputShape(inputs))])
  }

  /// Cuts the gradient where the inputs were joined.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let gradient = outputGradients[0]
    let total = runLength(gradient.shape)
    var start = 0
    return inputs.indices.map { index in
      let shape = operand(inputs, index).shape
      let run = runLength(shape)
      var elements: [S] = []
      elements.reserveCapacity(shape.elementCount)
      for outer in 0..<outerCount(shape) { elements += gradient.elements[outer * total + start..<outer * total + start + run] }
      start += run
      return NDArray(elements, shape: shape)
    }
  }

  /// Number of index combinations before the axis.
  private func outerCount(_ shape: [Int]) -> Int { Array(shape[..<position(shape)]).elementCount }
  /// Number of consecutive elements that one of those combinations has.
  private func runLength(_ shape: [Int]) -> Int { Array(shape[position(shape)...]).elementCount }
  private func position(_ shape: [Int]) -> Int { axis < 0 ? axis + shape.count : axis }
}
