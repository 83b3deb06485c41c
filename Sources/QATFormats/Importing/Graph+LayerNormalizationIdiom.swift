import QATGraph
import QATTensor

/// Recognises layer normalisation in files that have no operator for it, such as ONNX's below opset 17.
extension Graph {
  /// Replaces (x − mean) / √(mean((x − mean)²) + epsilon) · scale + bias by one node, which takes the name and output of the last one.
  /// - Parameter types: of the graph's tensors.
  package mutating func recogniseLayerNormalizations(_ types: [TensorName: TensorType]) {
    let idioms = Idioms(self, types)
    var names = UniqueNames(self)
    for (index, node) in nodes.enumerated() where node.op is Add {
      guard let found = layerNormalization(node, idioms, types) ?? affineLayerNormalization(node, idioms, types) else { continue }
      nodes[index].op = found.op
      nodes[index].inputs = [found.x, trained(found.scale, as: found.shape, idioms, &names), trained(found.bias, as: found.shape, idioms, &names)]
    }
  }

  private struct Normalization {
    var op: LayerNormalization
    var x, scale, bias: TensorName
    /// What scale and bias are shaped to, when the file has further dimensions of size 1.
    var shape: [Int]?
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

  /// The normalisation in TensorFlow's form, k = scale / √(variance + epsilon), y = x · k + (bias − mean · k), whose last step is `node`.
  private func affineLayerNormalization(_ node: Node, _ idioms: Idioms, _ types: [TensorName: TensorType]) -> Normalization? {
    for (product, shift) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      guard let scaled = idioms.inner(product), scaled.op is Mul, let (scaledMean, bias) = idioms.shift(shift), constants[bias] != nil else {
        continue
      }
      for (x, k) in [(scaled.inputs[0], scaled.inputs[1]), (scaled.inputs[1], scaled.inputs[0])] {
        guard let factor = idioms.producer(k), factor.op is Mul, let type = types[x] else { continue }
        for (root, scale) in [(factor.inputs[0], factor.inputs[1]), (factor.inputs[1], factor.inputs[0])] {
          guard constants[scale] != nil, let (mean, epsilon) = idioms.inverseDeviation(root, of: x),
            idioms.isNegatedMean(scaledMean, of: x, mean, times: k),
            let axis = Self.first(of: mean.axes, rank: type.rank)
          else { continue }
          let count = type.dimensions[axis...].compactMap(\.fixedSize)
          guard count.count == type.rank - axis, tensor(scale)?.count == count.reduce(1, *), tensor(bias)?.count == count.reduce(1, *) else {
            continue
          }
          return Normalization(op: LayerNormalization(axis: axis - type.rank, epsilon: epsilon), x: x, scale: scale, bias: bias, shape: count)
        }
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
  mutating func trained(_ name: TensorName, as shape: [Int]?, _ idioms: Idioms, _ names: inout UniqueNames) -> TensorName {
    guard let tensor = tensor(name) else { return name }
    let free = idioms.hasOneReader(name) ? name : names.next(name)
    constants[free] = Constant(shape.map(tensor.reshaped) ?? tensor, .parameter)
    return free
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
      let outer = inner(variance), let second = self.mean(outer), second == mean, let square = inner(outer.inputs[0]),
      isSquare(square, of: x, mean)
    else { return nil }
    return (x, mean.axes, Float(epsilon))
  }

  /// x and the mean of x − mean(x). The deviation itself has several readers: the square and the quotient.
  private func deviationFromMean(_ name: TensorName) -> (x: TensorName, mean: ReduceMean)? {
    guard let difference = producer(name), difference.op is Sub, let average = producer(difference.inputs[1]),
      let mean = mean(average), mean.keepsDimensions, average.inputs[0] == difference.inputs[0]
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
  func shifted(_ name: TensorName) -> (TensorName, Double)? {
    guard let node = inner(name), node.op is Add else { return nil }
    for (tensor, constant) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      if let number = number(constant) { return (tensor, number) }
    }
    return nil
  }

  /// What is subtracted and added in bias − mean · k, in any of the ways to write it: −mean · k as one product, and the bias.
  fileprivate func shift(_ name: TensorName) -> (scaledMean: TensorName, bias: TensorName)? {
    guard let sum = inner(name), sum.op is Add else { return nil }
    for (mean, bias) in [(sum.inputs[0], sum.inputs[1]), (sum.inputs[1], sum.inputs[0])] {
      if let product = inner(mean), product.op is Mul { return (mean, bias) }
    }
    return nil
  }

  /// Whether `name` is −mean(x) · k.
  fileprivate func isNegatedMean(_ name: TensorName, of x: TensorName, _ mean: ReduceMean, times k: TensorName) -> Bool {
    guard let node = inner(name), node.op is Mul, let other = node.inputs.first(where: { $0 != k }), node.inputs.contains(k),
      let negation = inner(other), negation.op is Neg, let average = producer(negation.inputs[0])
    else { return false }
    return self.mean(average) == mean && average.inputs[0] == x
  }

  /// The mean and epsilon of 1 / √(mean((x − mean(x))²) + epsilon).
  fileprivate func inverseDeviation(_ name: TensorName, of x: TensorName) -> (mean: ReduceMean, epsilon: Float)? {
    guard let root = argument(name, of: Reciprocal()), let sum = argument(root, of: Sqrt()), let (variance, epsilon) = shifted(sum),
      let outer = inner(variance), let mean = mean(outer), let square = inner(outer.inputs[0]), isSquare(square, of: x, mean)
    else { return nil }
    return (mean, Float(epsilon))
  }
}
