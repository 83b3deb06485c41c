import QATGraph

extension PlanCompiler {
  /// A bias rounded to whole accumulator steps, once a step; its gradient passes on unchanged.
  func biasRounding(_ op: RoundBias, _ node: Node, _ index: Int) throws -> Bool {
    let bias = try plainValue(node.inputs[0])
    let parameters = try node.inputs.dropFirst().map { try plainValue($0).buffer }
    let result = allocate(bias.layout)
    let (source, destination, channels) = (bias.buffer, result.buffer, bias.layout.elementCount)
    let (first, last, scales) = (parameters[0], parameters[parameters.count - 2], parameters[parameters.count - 1])
    let scaleCount = shape(node.inputs[node.inputs.count - 1])[0]
    append(
      KernelStep("RoundBias \(node.name)", reads: [source] + parameters, writes: [destination]) {
        let input = (first.floats[0], last.floats[0])
        for channel in 0..<channels {
          let step = op.accumulatorStep(input, scales.floats[scaleCount == 1 ? 0 : channel])
          destination.floats[channel] = Float(RoundBias.rounded(Double(source.floats[channel]), step: step))
        }
      })
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      if let dy = try gradient(node.outputs[0]) { try contribute(dy, to: node.inputs[0]) }
    }
    return true
  }
}
