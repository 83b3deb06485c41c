import QATGraph
import QATTensor
import RealModule

extension Where: ReferenceKernel {
  /// Chooses element by element.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let shape = broadcastShape((0..<3).map { operand(inputs, $0).shape })
    let condition = expanded(operand(inputs, 0), shape)
    let (a, b) = (expanded(operand(inputs, 1), shape), expanded(operand(inputs, 2), shape))
    return KernelResult([NDArray(condition.indices.map { condition[$0] != 0 ? a[$0] : b[$0] }, shape: shape)])
  }

  /// Hands each element of the gradient to the side that was chosen, summed over the axes along which that was broadcast.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let gradient = outputGradients[0]
    let condition = expanded(operand(inputs, 0), gradient.shape)
    func part(_ side: Int, _ takesTrue: Bool) -> NDArray<S> {
      let chosen = condition.indices.map { (condition[$0] != 0) == takesTrue ? gradient.elements[$0] : 0 }
      return summed(NDArray(chosen, shape: gradient.shape), to: operand(inputs, side).shape)
    }
    return [nil, part(1, true), part(2, false)]
  }

  private func expanded<S>(_ array: NDArray<S>, _ shape: [Int]) -> [S] {
    stridedOffsets(shape: shape, strides: broadcastStrides(array.shape, to: shape)).map { array.elements[$0] }
  }
}

extension Cast: ReferenceKernel {
  /// One of the two types is no floating point.
  public static var isDifferentiable: Bool { false }

  /// Integers and truth values are floating-point numbers here: fractions are cut off, whatever is not 0 becomes 1.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    switch elementType {
    case .float32, .float64: return KernelResult([x])
    case .bool: return KernelResult([x.map { $0 != 0 ? 1 : 0 }])
    case .int8, .uint8, .int32, .int64: return KernelResult([x.map { $0.rounded(.towardZero) }])
    }
  }

  /// None.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [nil]
  }
}
