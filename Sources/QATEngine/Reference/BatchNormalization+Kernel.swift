import QATGraph
import QATTensor
import RealModule

extension BatchNormalization: ReferenceKernel {
  /// Normalises with the batch's statistics in training, with the running ones in evaluation and when it is frozen.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    let gamma = operand(inputs, 1).elements
    let beta = operand(inputs, 2).elements
    let (mean, variance) = statistics(inputs, context)
    var y = x
    for channel in mean.indices {
      let scale = gamma[channel] / S.sqrt(S(variance[channel]) + S(epsilon))
      let center = S(mean[channel])
      forEachElement(of: channel, x.shape) { y.elements[$0] = (x.elements[$0] - center) * scale + beta[channel] }
    }
    guard usesBatch(context) else { return KernelResult([y]) }
    // The running variance estimates the population's; a single element a channel says nothing about it and counts as 0.
    let count = Double(x.count / max(1, mean.count))
    let unbiased = variance.map { S(count > 1 ? $0 * count / (count - 1) : 0) }
    return KernelResult([y], statistics: [3: NDArray(mean.map { S($0) }, shape: [mean.count]), 4: NDArray(unbiased, shape: [mean.count])])
  }

  /// With x̂ = (x − mean) / √(variance + epsilon): dgamma = Σ dy · x̂, dbeta = Σ dy. In evaluation dx = gamma / √(variance + epsilon) · dy; in training
  /// mean and variance depend on x as well, which takes the means of dy and of dy · x̂ · x̂'s share away from dy. Source: Ioffe and Szegedy 2015, section 3.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let x = operand(inputs, 0)
    let gamma = operand(inputs, 1).elements
    let dy = outputGradients[0].elements
    let (mean, variance) = statistics(inputs, context)
    let count = Double(x.count / max(1, mean.count))
    var dx = x
    var dGamma: [S] = []
    var dBeta: [S] = []
    for channel in mean.indices {
      let center = S(mean[channel])
      let inverseDeviation = 1 / S.sqrt(S(variance[channel]) + S(epsilon))
      var sum = 0.0
      var sumWithX = 0.0
      forEachElement(of: channel, x.shape) { index in
        sum += Double(dy[index])
        sumWithX += Double(dy[index] * (x.elements[index] - center) * inverseDeviation)
      }
      dGamma.append(S(sumWithX))
      dBeta.append(S(sum))
      let scale = gamma[channel] * inverseDeviation
      let meanOfGradient = usesBatch(context) ? S(sum / count) : 0
      let meanWithX = usesBatch(context) ? S(sumWithX / count) : 0
      forEachElement(of: channel, x.shape) { index in
        let normalized = (x.elements[index] - center) * inverseDeviation
        dx.elements[index] = scale * (dy[index] - meanOfGradient - normalized * meanWithX)
      }
    }
    return [dx, NDArray(dGamma, shape: [mean.count]), NDArray(dBeta, shape: [mean.count]), nil, nil]
  }

  /// Whether the batch's own statistics normalise.
  private func usesBatch(_ context: KernelContext) -> Bool { context.mode == .training && !isFrozen }

  /// Mean and biased variance of each channel that normalise in this mode, in Double.
  private func statistics<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> (mean: [Double], variance: [Double]) {
    guard usesBatch(context) else {
      return (operand(inputs, 3).elements.map { Double($0) }, operand(inputs, 4).elements.map { Double($0) })
    }
    let x = operand(inputs, 0)
    let channels = x.shape[1]
    let count = Double(max(1, x.count / max(1, channels)))
    var means: [Double] = []
    var variances: [Double] = []
    for channel in 0..<channels {
      var sum = 0.0
      forEachElement(of: channel, x.shape) { sum += Double(x.elements[$0]) }
      let mean = sum / count
      // A second pass over the deviations: the difference of mean square and squared mean would cancel.
      var squares = 0.0
      forEachElement(of: channel, x.shape) {
        let deviation = Double(x.elements[$0]) - mean
        squares += deviation * deviation
      }
      means.append(mean)
      variances.append(squares / count)
    }
    return (means, variances)
  }

  /// Calls `body` with the offset of each element of a channel of an array [N, C, ...].
  @inline(__always)
  private func forEachElement(of channel: Int, _ shape: [Int], _ body: (Int) -> Void) {
    let plane = Array(shape[2...]).elementCount
    for n in 0..<shape[0] {
      let start = (n * shape[1] + channel) * plane
      for index in start..<start + plane { body(index) }
    }
  }
}
