import QATGraph
import QATTensor
import RealModule

extension RoundBias: ReferenceKernel {
  /// Rounds each channel's bias to whole accumulator steps, which are float32 whatever the precision: files hold such.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let bias = operand(inputs, 0)
    let parameters = (Float(operand(inputs, 1).elements[0]), Float(operand(inputs, inputs.count - 2).elements[0]))
    let scales = operand(inputs, inputs.count - 1).elements
    let rounded = bias.elements.enumerated().map { channel, value in
      S(Self.rounded(Double(value), step: accumulatorStep(parameters, Float(scales[channel % scales.count]))))
    }
    return KernelResult([NDArray(rounded, shape: bias.shape)])
  }

  /// Straight-through: rounding counts as the identity.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [outputGradients[0]] + inputs.dropFirst().map { _ in nil }
  }
}
