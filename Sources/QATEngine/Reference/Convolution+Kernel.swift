import QATGraph
import RealModule

extension Convolution: ReferenceKernel {
  /// y[n, o, i, j] = bias[o] + Σ weight[o, c, u, v] · x[n, c of o's group, i · stride + u · dilation − pad, ...].
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let (x, weight) = (operand(inputs, 0), operand(inputs, 1))
    let pairs = Correlation(window, groups: groups, image: x.shape, output: outputShape(inputs))
    return KernelResult([pairs.correlated(x, weight, bias: inputs.count > 2 ? inputs[2] : nil)])
  }

  /// dx gathers weight · dy, dweight gathers x · dy over the same pairs of elements; dbias is dy summed over samples and positions.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (x, weight, dy) = (operand(inputs, 0), operand(inputs, 1), outputGradients[0])
    let pairs = Correlation(window, groups: groups, image: x.shape, output: dy.shape)
    let result: [NDArray<S>?] = [pairs.scattered(dy, weight), pairs.products(x, dy, shape: weight.shape)]
    return inputs.count > 2 ? result + [inputs[2].map { _ in biasGradient(dy) }] : result
  }
}

extension ConvolutionTranspose: ReferenceKernel {
  /// The result is the image that x, as the output of a convolution, gathers in.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let (x, weight) = (operand(inputs, 0), operand(inputs, 1))
    let pairs = Correlation(window, groups: groups, image: outputShape(inputs), output: x.shape)
    return KernelResult([pairs.scattered(x, weight, bias: inputs.count > 2 ? inputs[2] : nil)])
  }

  /// dx is the convolution of dy, dweight gathers dy · x over the same pairs of elements; dbias is dy summed over samples and positions.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (x, weight, dy) = (operand(inputs, 0), operand(inputs, 1), outputGradients[0])
    let pairs = Correlation(window, groups: groups, image: dy.shape, output: x.shape)
    let result: [NDArray<S>?] = [pairs.correlated(dy, weight), pairs.products(dy, x, shape: weight.shape)]
    return inputs.count > 2 ? result + [inputs[2].map { _ in biasGradient(dy) }] : result
  }
}
