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

extension Transpose: MovementKernel {
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    let strides = shapes[0].rowMajorStrides
    return stridedOffsets(shape: permutation.map { shapes[0][$0] }, strides: permutation.map { strides[$0] })
  }
}

extension Concat: MovementKernel {
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    let axis = axis < 0 ? axis + shapes[0].count : axis
    let runs = shapes.map { Array($0[axis...]).elementCount }
    var starts = [0]
    for shape in shapes { starts.append(starts[starts.count - 1] + shape.elementCount) }
    var result: [Int] = []
    for outer in 0..<Array(shapes[0][..<axis]).elementCount {
      for (run, start) in zip(runs, starts) { result += start + outer * run..<start + (outer + 1) * run }
    }
    return result
  }
}
