import QATGraph
import QATTensor
import RealModule

extension FakeQuantize: ReferenceKernel {
  /// Rounds each element to the grid of its parameters.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    var y = x
    for (channel, grid) in grids(inputs).enumerated() {
      forEachElement(of: channel, x.shape) { y.elements[$0] = grid.value(x.elements[$0]) }
    }
    return KernelResult([y])
  }

  /// Straight-through: rounding counts as the identity and the tuning of the zero point too.
  ///
  /// With g the upstream gradient, x below, inside or above [low, high] (the bounds are inside), p a raw parameter:
  /// dx = g inside, else 0. Symmetric: dscale = slope(p) · Σ g · (levelLow / levelHigh below, (y − x) / range inside, 1 above).
  /// Asymmetric: drange = slope(p) · Σ g · (0 below, (y − x) / range inside, 1 above); dlow = multiplier · Σ g outside.
  /// slope(p) = multiplier · (sign(p), or exp(p) for a logarithmic quantizer).
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let x = operand(inputs, 0).elements
    let y = outputs[0].elements
    let upstream = outputGradients[0].elements
    let shape = outputGradients[0].shape
    var dx = outputGradients[0]
    var dExtent: [S] = []
    var dLow: [S] = []
    let slopeBelow = S(Double(levelLow) / Double(levelHigh))
    for (channel, grid) in grids(inputs).enumerated() {
      var extent = 0.0
      var low = 0.0
      forEachElement(of: channel, shape) { index in
        let g = upstream[index]
        if x[index] < grid.low {
          dx.elements[index] = 0
          extent += Double(g * slopeBelow)
          low += Double(g)
        } else if x[index] > grid.high {
          dx.elements[index] = 0
          extent += Double(g)
          low += Double(g)
        } else {
          extent += Double(g * ((y[index] - x[index]) / grid.range))
        }
      }
      dExtent.append(S(extent))
      dLow.append(S(low) * S(gradientMultiplier))
    }
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

  /// Calls `body` with the offset of each element that uses the parameters at `channel`.
  @inline(__always)
  private func forEachElement(of channel: Int, _ shape: [Int], _ body: (Int) -> Void) {
    guard let channelAxis else {
      for index in 0..<shape.elementCount { body(index) }
      return
    }
    let axis = channelAxis < 0 ? channelAxis + shape.count : channelAxis
    let inner = Array(shape[(axis + 1)...]).elementCount
    for outer in 0..<Array(shape[..<axis]).elementCount {
      let start = (outer * shape[axis] + channel) * inner
      for index in start..<start + inner { body(index) }
    }
  }
}
