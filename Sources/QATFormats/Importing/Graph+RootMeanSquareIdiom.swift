import QATGraph
import QATTensor

/// Recognises the normalisation by the root mean square in files that have no operator for it, such as ONNX's below opset 23.
extension Graph {
  /// Replaces x / √(mean(x²) + epsilon) · scale by one node, which takes the name and output of the last one.
  /// - Parameter types: of the graph's tensors.
  package mutating func recogniseRootMeanSquares(_ types: [TensorName: TensorType]) {
    let idioms = Idioms(self)
    var names = UniqueNames(self)
    for (index, node) in nodes.enumerated() where node.op is Mul {
      for (normalized, scale) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        guard let tensor = tensor(scale), let (x, axes, epsilon) = idioms.dividedByRoot(normalized), let type = types[x],
          axes.map({ $0 < 0 ? $0 + type.rank : $0 }).sorted() == Array(max(0, type.rank - axes.count)..<type.rank),
          tensor.shape == type.dimensions.suffix(axes.count).compactMap(\.fixedSize)
        else { continue }
        nodes[index].op = RMSNormalization(axisCount: axes.count, epsilon: epsilon)
        nodes[index].inputs = [x, trained(scale, as: nil, idioms, &names)]
        break
      }
    }
  }
}

extension Idioms {
  /// What x / √(mean(x²) + epsilon) is of, over which axes, and epsilon.
  fileprivate func dividedByRoot(_ name: TensorName) -> (x: TensorName, axes: [Int], epsilon: Float)? {
    guard let last = inner(name), last.inputs.count == 2 else { return nil }
    for (x, divisor) in [(last.inputs[0], last.inputs[1]), (last.inputs[1], last.inputs[0])] {
      let root = last.op is Div && x == last.inputs[0] ? divisor : last.op is Mul ? argument(divisor, of: Reciprocal()) : nil
      guard let root, let sum = argument(root, of: Sqrt()), let (average, epsilon) = shifted(sum), let node = inner(average),
        let mean = node.as(ReduceMean.self), mean.keepsDimensions, let square = inner(node.inputs[0])
      else { continue }
      let isSquare = square.op is Mul && square.inputs == [x, x] || square.op is Pow && square.inputs[0] == x && number(square.inputs[1]) == 2
      if isSquare { return (x, mean.axes, Float(epsilon)) }
    }
    return nil
  }
}
