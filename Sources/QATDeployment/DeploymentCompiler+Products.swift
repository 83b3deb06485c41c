import QATGraph
import QATLowering

/// Convolutions, linear layers and products of activations.
extension DeploymentCompiler {
  /// The step of an addition that the runtime computes within a convolution; nil where it does not.
  mutating func residualStep(_ branch: ResidualBranch) throws(ShapeError) -> (any DeployedStep)? {
    guard let tail = quantizedTail(of: branch.addition), let product = scales(of: branch.layer),
      let grid = lowered.activations[branch.quantizer.outputs[0]], let skip = lowered.activations[branch.skip],
      types[branch.quantizer.outputs[0]] == types[branch.skip],
      let rounding = arithmetic.residual(of: product, branch: grid, skip: skip, to: tail.grid)
    else { return nil }
    merge(tail)
    return try productStep(
      branch.layer, inputs: [branch.layer.inputs[0], branch.skip], output: tail.output, result: .residual(rounding, tail.grid))
  }

  mutating func layerStep(_ node: Node, _ tail: Tail?) throws(ShapeError) -> (any DeployedStep)? {
    guard let product = scales(of: node) else { return nil }
    if let tail { merge(tail) }
    let result = tail.map { ProductResult.codes(arithmetic.requantization(of: product, to: $0.grid), $0.grid) }
    return try productStep(
      node, inputs: [node.inputs[0]], output: tail?.output ?? node.outputs[0], result: result ?? .floats(arithmetic.dequantization(of: product)))
  }

  private func productStep(_ node: Node, inputs: [TensorName], output: TensorName, result: ProductResult) throws(ShapeError) -> any DeployedStep {
    guard let weight = lowered.weights[node.inputs[1]], let input = lowered.activations[node.inputs[0]] else {
      throw ShapeError("it has no integers")
    }
    let weights = IntegerWeights(weight)
    let limit = IntegerWeights.longest
    guard weights.length <= limit else { throw ShapeError("\(weights.length) products make an accumulator, more than \(limit) may leave 32 bits") }
    guard let op = node.as(Convolution.self) else {
      return LinearStep(inputs: inputs, outputs: [output], weights: weights, inputZeroPoint: input.zeroPoint, result: result)
    }
    let image = types[node.inputs[0]]?.shape(batchSize: batchSize).dropFirst(2) ?? []
    return ConvolutionStep(
      inputs: inputs, outputs: [output], weights: weights, groups: op.groups, inputZeroPoint: input.zeroPoint,
      places: try WindowPlaces(op.window, image: Array(image)), result: result)
  }

  mutating func matrixProductStep(_ node: Node, _ tail: Tail?) -> (any DeployedStep)? {
    guard let a = lowered.activations[node.inputs[0]], let b = lowered.activations[node.inputs[1]], let left = types[node.inputs[0]],
      let right = types[node.inputs[1]], left.rank == right.rank, left.rank >= 2, left.dimensions.dropLast(2) == right.dimensions.dropLast(2),
      left.shape(batchSize: batchSize)[left.rank - 1] <= MatrixProductStep.longest
    else { return nil }
    let product = ProductScales(isLinear: true, input: a.scale, weights: [b.scale], bias: nil)
    if let tail { merge(tail) }
    let result = tail.map { ProductResult.codes(arithmetic.requantization(of: product, to: $0.grid), $0.grid) }
    return MatrixProductStep(
      inputs: node.inputs, outputs: [tail?.output ?? node.outputs[0]], zeroPoints: (a.zeroPoint, b.zeroPoint),
      result: result ?? .floats(arithmetic.dequantization(of: product)))
  }

  /// What a layer's accumulators are worth; nil when it has no integers.
  func scales(of node: Node) -> ProductScales? {
    guard let weight = lowered.weights[node.inputs[1]], let input = lowered.activations[node.inputs[0]] else { return nil }
    let bias = node.inputs.count > 2 ? lowered.biases[node.inputs[2]]?.codes : nil
    return ProductScales(isLinear: !(node.op is Convolution), input: input.scale, weights: weight.scales, bias: bias)
  }
}
