import QATGraph
import QATTensor
import RealModule

/// A reduction given by what it makes of one line of numbers.
protocol ReductionKernel: ReferenceKernel, ReductionOperator {
  /// The number that stands for a line of at least one.
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S
  /// The derivative of `y`, the value of `line`, by each of its numbers.
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S]
}

extension ReductionKernel {
  /// One number for each line.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    let lines = lines(x.shape)
    let elements = lines.starts.map { start in value(lines.offsets.map { x.elements[start + $0] }) }
    return KernelResult([NDArray(elements, shape: outputShape(inputs))])
  }

  /// The gradient of each line's number times the derivatives by its elements.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let x = operand(inputs, 0)
    var dx = NDArray<S>(repeating: 0, shape: x.shape)
    let lines = lines(x.shape)
    for (index, start) in lines.starts.enumerated() {
      let slopes = slopes(lines.offsets.map { x.elements[start + $0] }, outputs[0].elements[index])
      for (offset, slope) in zip(lines.offsets, slopes) { dx.elements[start + offset] = outputGradients[0].elements[index] * slope }
    }
    return [dx]
  }

  /// Where each line starts, and where its elements stand from there.
  private func lines(_ shape: [Int]) -> (starts: [Int], offsets: [Int]) {
    let reduced = axes.isEmpty ? Set(shape.indices) : Set(axes.map { $0 < 0 ? $0 + shape.count : $0 })
    let strides = shape.rowMajorStrides
    func offsets(_ axes: [Int]) -> [Int] { stridedOffsets(shape: axes.map { shape[$0] }, strides: axes.map { strides[$0] }) }
    return (offsets(shape.indices.filter { !reduced.contains($0) }), offsets(shape.indices.filter(reduced.contains)))
  }
}

extension Sequence where Element: BinaryFloatingPoint {
  /// The sum, accumulated in Double.
  fileprivate var sum: Element { Element(reduce(0.0) { $0 + Double($1) }) }
}

extension ReduceMean: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { line.sum / S(line.count) }
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { line.map { _ in 1 / S(line.count) } }
}

extension ReduceSum: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { line.sum }
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { line.map { _ in 1 } }
}

extension ReduceProd: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { line.reduce(1, *) }

  /// The product of the others, which exists also where an element is 0.
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] {
    var result = [S](repeating: 1, count: line.count)
    var product: S = 1
    for index in line.indices {
      result[index] *= product
      product *= line[index]
    }
    product = 1
    for index in line.indices.reversed() {
      result[index] *= product
      product *= line[index]
    }
    return result
  }
}

extension ReduceMax: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { line.dropFirst().reduce(line[0]) { $0 >= $1 || $0.isNaN ? $0 : $1 } }
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { sharesOfWinners(line, y) }
}

extension ReduceMin: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { line.dropFirst().reduce(line[0]) { $0 <= $1 || $0.isNaN ? $0 : $1 } }
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { sharesOfWinners(line, y) }
}

/// 1 for the elements that equal `y`, divided by how many they are.
private func sharesOfWinners<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] {
  let share = 1 / S(max(1, line.count { $0 == y }))
  return line.map { $0 == y ? share : 0 }
}

extension ReduceL1: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { line.lazy.map { abs($0) }.sum }
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { line.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 } }
}

extension ReduceL2: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { S.sqrt(line.lazy.map { $0 * $0 }.sum) }
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { line.map { y == 0 ? 0 : $0 / y } }
}

extension ReduceSumSquare: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { line.lazy.map { $0 * $0 }.sum }
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { line.map { 2 * $0 } }
}

extension ReduceLogSum: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S { S.log(line.sum) }
  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { line.map { _ in S.exp(-y) } }
}

extension ReduceLogSumExp: ReductionKernel {
  func value<S: Real & BinaryFloatingPoint>(_ line: [S]) -> S {
    // Subtracting the largest element changes nothing but keeps exp from overflowing; where that one is infinite it is the result.
    let largest = ReduceMax(axes: []).value(line)
    return largest.isFinite ? largest + S.log(line.lazy.map { S.exp($0 - largest) }.sum) : largest
  }

  func slopes<S: Real & BinaryFloatingPoint>(_ line: [S], _ y: S) -> [S] { line.map { S.exp($0 - y) } }
}
