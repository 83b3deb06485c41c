import QATGraph

/// Recognises activation functions that files spell with several operators, as their format, or its older versions, have none for them.
extension Graph {
  /// Replaces each product that is an activation function by one node, which takes the name and output of the product's last node.
  /// - Parameter types: of the graph's tensors, as far as they are known.
  package mutating func recogniseActivations(_ types: [TensorName: TensorType] = [:]) {
    let idioms = Idioms(self, types)
    for (index, node) in nodes.enumerated() where node.op is Mul {
      guard let (op, input) = idioms.activation(node) else { continue }
      nodes[index].op = op
      nodes[index].inputs = [input]
    }
  }
}

extension Idioms {
  /// The activation function that `node`, a product, computes, and its argument.
  fileprivate func activation(_ node: Node) -> (op: any Operator, input: TensorName)? {
    let product = product(node)
    guard product.tensors.count == 2 else { return nil }
    for (x, gate) in [(product.tensors[0], product.tensors[1]), (product.tensors[1], product.tensors[0])] {
      var op: (any Operator)?
      if isClose(product.factor, 1) {
        op = swish(x, gate) ?? hardSwish(x, gate) ?? mish(x, gate)
      } else if isClose(product.factor, 0.5) {
        op = gelu(x, gate)
      } else if isClose(product.factor, 1.0 / 6) {
        op = scaledHardSwish(x, gate)
      }
      if let op { return (op, x) }
    }
    return nil
  }

  /// x · sigmoid(alpha · x).
  private func swish(_ x: TensorName, _ gate: TensorName) -> (any Operator)? {
    guard let scaled = argument(gate, of: Sigmoid()) else { return nil }
    if scaled == x { return Swish() }
    guard let inner = inner(scaled), inner.op is Mul else { return nil }
    let product = product(inner)
    return product.tensors == [x] ? Swish(alpha: Float(product.factor)) : nil
  }

  /// x · hardSigmoid(x) with PyTorch's slope, or the same written as x · clip(x / 6 + 1/2, 0, 1).
  private func hardSwish(_ x: TensorName, _ gate: TensorName) -> (any Operator)? {
    if let node = inner(gate), let hard = node.as(HardSigmoid.self) {
      return node.inputs[0] == x && isClose(Double(hard.alpha), 1.0 / 6) && hard.beta == 0.5 ? HardSwish() : nil
    }
    guard let sum = argument(gate, of: Clip(lower: 0, upper: 1)), let scaled = augend(sum, 0.5) else { return nil }
    return isProduct(scaled, 1.0 / 6, [x]) ? HardSwish() : nil
  }

  /// x · clip(x + 3, 0, 6), whose sixth is a hard swish.
  private func scaledHardSwish(_ x: TensorName, _ gate: TensorName) -> (any Operator)? {
    argument(gate, of: Clip(lower: 0, upper: 6)).flatMap { augend($0, 3) } == x ? HardSwish() : nil
  }

  /// x · tanh(softplus(x)).
  private func mish(_ x: TensorName, _ gate: TensorName) -> (any Operator)? {
    argument(gate, of: Tanh()).flatMap { argument($0, of: Softplus()) } == x ? Mish() : nil
  }

  /// x · (1 + erf(x / √2)), or the form with tanh; their half is a GELU.
  private func gelu(_ x: TensorName, _ gate: TensorName) -> (any Operator)? {
    guard let bell = augend(gate, 1) else { return nil }
    if let scaled = argument(bell, of: Erf()) { return isProduct(scaled, 0.5.squareRoot(), [x]) ? Gelu() : nil }
    guard let argument = argument(bell, of: Tanh()), let node = inner(argument), node.op is Mul else { return nil }
    let product = product(node)
    guard isClose(product.factor, (2 / Double.pi).squareRoot()) else { return nil }
    return isCubic(product.tensors, x) ? Gelu(approximation: .tanh) : nil
  }

  /// Whether the product of `tensors` is x + 0.044715 x³, or the same as x · (1 + 0.044715 x²).
  private func isCubic(_ tensors: [TensorName], _ x: TensorName) -> Bool {
    if tensors.count == 2, let other = tensors.first(where: { $0 != x }), tensors.contains(x), let square = augend(other, 1) {
      return isPower(square, 2, of: x)
    }
    guard tensors.count == 1, let sum = inner(tensors[0]), sum.op is Add, let cube = sum.inputs.first(where: { $0 != x }), sum.inputs.contains(x)
    else { return false }
    return isPower(cube, 3, of: x)
  }

  /// Whether `name` is 0.044715 · x to the power of `exponent`.
  private func isPower(_ name: TensorName, _ exponent: Int, of x: TensorName) -> Bool {
    isProduct(name, 0.044715, [TensorName](repeating: x, count: exponent))
  }
}
