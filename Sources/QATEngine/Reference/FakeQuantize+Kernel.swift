import QATGraph
import QATTensor
import RealModule

extension FakeQuantize: ReferenceKernel {
  /// Rounds each element to the grid of its parameters.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    return KernelResult([NDArray(quantized(x.elements, shape: x.shape, grids(inputs)), shape: x.shape)])
  }

  /// Straight-through: rounding, the tuning of the zero point and the limit on neighbours count as the identity.
  ///
  /// With y what the grid makes of x, g the upstream gradient, x below, inside or above [low, high] (the bounds are inside), p a raw parameter:
  /// dx = g inside, else 0. Symmetric: dscale = slope(p) · Σ g · (levelLow / levelHigh below, (y − x) / range inside, 1 above).
  /// Asymmetric: drange = slope(p) · Σ g · (0 below, (y − x) / range inside, 1 above); dlow = multiplier · Σ g outside.
  /// slope(p) = multiplier · (sign(p), or exp(p) for a logarithmic quantizer).
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let x = operand(inputs, 0).elements
    let upstream = outputGradients[0].elements
    let shape = outputGradients[0].shape
    var dx = outputGradients[0]
    let grids = grids(inputs)
    var extents = [Double](repeating: 0, count: grids.count)
    var lows = extents
    let slopeBelow = S(Double(levelLow) / Double(levelHigh))
    forEachRun(shape) { channel, run in
      let grid = grids[channel]
      for index in run {
        let g = upstream[index]
        if x[index] < grid.low {
          dx.elements[index] = 0
          extents[channel] += Double(g * slopeBelow)
          lows[channel] += Double(g)
        } else if x[index] > grid.high {
          dx.elements[index] = 0
          extents[channel] += Double(g)
          lows[channel] += Double(g)
        } else {
          extents[channel] += Double(g * ((grid.value(x[index]) - x[index]) / grid.range))
        }
      }
    }
    var dExtent = extents.map { S($0) }
    let dLow = lows.map { S($0) * S(gradientMultiplier) }
    // The scale or range is the last parameter.
    let parameter = operand(inputs, inputs.count - 1)
    for index in dExtent.indices { dExtent[index] *= extentSlope(at: parameter.elements[index]) }
    let extentGradient = NDArray(dExtent, shape: parameter.shape)
    return mode == .asymmetric ? [dx, NDArray(dLow, shape: parameter.shape), extentGradient] : [dx, extentGradient]
  }

  /// The grid of each channel; of the whole tensor when there are no channels.
  private func grids<S>(_ inputs: [NDArray<S>?]) -> [Grid<S>] {
    let parameters = (1..<inputs.count).map { operand(inputs, $0).elements }
    return parameters[0].indices.map { grid(parameters: parameters, at: $0) }
  }
}
