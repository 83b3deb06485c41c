import QATGraph
import QATTensor

/// Recognises layer normalisation in files that have no operator for it, such as ONNX's below opset 17.
extension Graph {
  /// Replaces (x − mean) / √(mean((x − mean)²) + epsilon) · scale + bias by one node, which takes the name and output of the last one.
  /// - Parameter types: of the graph's tensors.
  package mutating func recogniseLayerNormalizations(_ types: [TensorName: TensorType]) {
    let idioms = Idioms(self)
    var names = UniqueNames(self)
    for (index, node) in nodes.enumerated() where node.op is Add {
      guard let found = layerNormalization(node, idioms, types) else { continue }
      nodes[index].op = found.op
      nodes[index].inputs = [found.x, trained(found.scale, idioms, &names), trained(found.bias, idioms, &names)]
    }
  }

  private struct Normalization {
    var op: LayerNormalization
    var x, scale, bias: TensorName
  }

  /// The normalisation whose last step is `node`.
  private func layerNormalization(_ node: Node, _ idioms: Idioms, _ types: [TensorName: TensorType]) -> Normalization? {
    for (product, bias) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      guard constants[bias] != nil, let multiplication = idioms.inner(product), multiplication.op is Mul else { continue }
      for (normalized, scale) in [(0, 1), (1, 0)] {
        let scale = multiplication.inputs[scale]
        guard constants[scale] != nil, let (x, axes, epsilon) = idioms.standardized(multiplication.inputs[normalized]),
          let type = types[x], let axis = Self.first(of: axes, rank: type.rank)
        else { continue }
        let shape = type.dimensions[axis...].compactMap(\.fixedSize)
        guard tensor(scale)?.shape == shape, tensor(bias)?.shape == shape else { continue }
        return Normalization(op: LayerNormalization(axis: axis - type.rank, epsilon: epsilon), x: x, scale: scale, bias: bias)
      }
    }
    return nil
  }

  /// The first axis when `axes` are all the last ones.
  private static func first(of axes: [Int], rank: Int) -> Int? {
    let sorted = axes.map { $0 < 0 ? $0 + rank : $0 }.sorted()
    guard let first = sorted.first, first >= 0, sorted == Array(first..<rank) else { return nil }
    return first
  }

  /// The constant `name` as a parameter; a copy of it when others read it, since file writers share equal ones.
  private mutating func trained(_ name: TensorName, _ idioms: Idioms, _ names: inout UniqueNames) -> TensorName {
    guard let tensor = tensor(name), !idioms.hasOneReader(name) else {
      constants[name]?.role = .parameter
      return name
    }
    let copy = names.next(name)
    constants[copy] = Constant(tensor, .parameter)
    return copy
  }
}

extension Idioms {
  /// What (x − mean) / √(variance + epsilon) is of, over which axes, and epsilon.
  fileprivate func standardized(_ name: TensorName) -> (x: TensorName, axes: [Int], epsilon: Float)? {
    guard let last = inner(name), last.inputs.count == 2 else { return nil }
    let deviation = last.inputs[0]
    let root: TensorName
    if last.op is Div {
      root = last.inputs[1]
    } else if last.op is Mul, let inverse = argument(last.inputs[1], of: Reciprocal()) {
      root = inverse
    } else {
      return nil
    }
    guard let (x, mean) = deviationFromMean(deviation), let sum = argument(root, of: Sqrt()), let (variance, epsilon) = shifted(sum),
      let outer = inner(variance), let second = outer.as(ReduceMean.self), second == mean, let square = inner(outer.inputs[0]),
      isSquare(square, of: x, mean)
    else { return nil }
    return (x, mean.axes, Float(epsilon))
  }

  /// x and the mean of x − mean(x). The deviation itself has several readers: the square and the quotient.
  private func deviationFromMean(_ name: TensorName) -> (x: TensorName, mean: ReduceMean)? {
    guard let difference = producer(name), difference.op is Sub, let average = producer(difference.inputs[1]),
      let mean = average.as(ReduceMean.self), mean.keepsDimensions, average.inputs[0] == difference.inputs[0]
    else { return nil }
    return (difference.inputs[0], mean)
  }

  /// Whether the node squares x − mean(x), be it the same difference or a second one.
  private func isSquare(_ node: Node, of x: TensorName, _ mean: ReduceMean) -> Bool {
    let isPower = node.op is Pow && number(node.inputs[1]) == 2
    guard isPower || (node.op is Mul && node.inputs[0] == node.inputs[1]), let (source, other) = deviationFromMean(node.inputs[0]) else {
      return false
    }
    return source == x && other == mean
  }

  /// A tensor and the number that is added to it.
  private func shifted(_ name: TensorName) -> (TensorName, Double)? {
    guard let node = inner(name), node.op is Add else { return nil }
    for (tensor, constant) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      if let number = number(constant) { return (tensor, number) }
    }
    return nil
  }
}
