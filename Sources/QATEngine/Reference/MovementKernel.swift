import QATGraph
import QATTensor
import RealModule

/// An operator whose output consists of elements of its inputs: it moves, repeats and leaves out, and computes nothing.
protocol MovementKernel: ReferenceKernel {
  /// For each element of the output, row-major, its place in the inputs, whose elements are counted one input after the other; −1 for `filling`.
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int]

  /// What elements that come from nowhere are.
  var filling: Float { get }

  /// The output's shape for inputs of these shapes.
  func outputShape(_ shapes: [[Int]], batchSize: Int) -> [Int]
}

extension MovementKernel {
  var filling: Float { 0 }

  func outputShape(_ shapes: [[Int]], batchSize: Int) -> [Int] { outputShape(shapes.map { NDArray<Float>?(NDArray(repeating: 0, shape: $0)) }) }

  /// Copies each element from its place in the inputs.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let arrays = inputs.indices.map { operand(inputs, $0) }
    let elements = arrays.count == 1 ? arrays[0].elements : arrays.flatMap(\.elements)
    let shapes = arrays.map(\.shape)
    let moved = sources(shapes, batchSize: context.batchSize).map { $0 < 0 ? S(filling) : elements[$0] }
    return KernelResult([NDArray(moved, shape: outputShape(shapes, batchSize: context.batchSize))])
  }

  /// Adds each element of the gradient to the place it came from; sums are in Double.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let shapes = inputs.indices.map { operand(inputs, $0).shape }
    var sums = [Double](repeating: 0, count: shapes.reduce(0) { $0 + $1.elementCount })
    for (index, source) in sources(shapes, batchSize: context.batchSize).enumerated() where source >= 0 {
      sums[source] += Double(outputGradients[0].elements[index])
    }
    var start = 0
    return shapes.map { shape in
      defer { start += shape.elementCount }
      return NDArray(sums[start..<start + shape.elementCount].map { S($0) }, shape: shape)
    }
  }
}

/// Offsets in an array of `shape` of the elements whose position on each axis runs through `positions`; −1 wherever one of the positions is negative.
func offsets(_ positions: [[Int]], in shape: [Int]) -> [Int] {
  var result = [0]
  for (stride, axis) in zip(shape.rowMajorStrides, positions) {
    result = result.flatMap { offset in axis.map { offset < 0 || $0 < 0 ? -1 : offset + $0 * stride } }
  }
  return result
}
