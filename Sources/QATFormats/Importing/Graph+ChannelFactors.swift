import QATGraph
import QATTensor

/// Puts what scales and shifts the channels of a convolution into its weight and bias: converters leave batch normalisation of an evaluated network so.
extension Graph {
  /// Folds products and sums with one constant a channel into the convolution before them, which takes the output of the last one.
  /// - Parameter types: of the graph's tensors.
  package mutating func foldChannelFactors(_ types: [TensorName: TensorType]) {
    let consumers = consumers
    var names = UniqueNames(self)
    /// Convolutions by what they make.
    var layers: [TensorName: Int] = [:]
    var removed = Set<Int>()
    for index in nodes.indices {
      let node = nodes[index]
      if node.op is Convolution || node.as(ConvolutionTranspose.self)?.groups == 1 {
        layers[node.outputs[0]] = index
        continue
      }
      guard node.op is Mul || node.op is Add else { continue }
      for (x, constant) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        guard let layer = layers[x], consumers[x]?.count == 1, !outputs.contains(x), let values = channelValues(constant, of: types[x]) else {
          continue
        }
        let hasFolded = node.op is Mul ? multiply(layer, by: values, consumers, &names) : add(values, to: layer, consumers, &names)
        guard hasFolded else { continue }
        nodes[layer].outputs = node.outputs
        layers[node.outputs[0]] = layer
        removed.insert(index)
        break
      }
    }
    nodes = nodes.enumerated().filter { !removed.contains($0.offset) }.map(\.element)
  }

  /// The values of a constant that has one for each channel of an image and is the same all over it.
  private func channelValues(_ name: TensorName, of image: TensorType?) -> [Float]? {
    guard let image, let tensor = tensor(name), let values = tensor.floats, tensor.shape.count <= image.rank,
      let channels = image.dimensions.dropFirst().first?.fixedSize, values.count == channels
    else { return nil }
    let shape = [Int](repeating: 1, count: image.rank - tensor.shape.count) + tensor.shape
    return shape[1] == channels ? values : nil
  }

  private mutating func multiply(
    _ layer: Int, by factors: [Float], _ consumers: [TensorName: [Use]], _ names: inout UniqueNames
  ) -> Bool {
    let node = nodes[layer]
    guard let weight = tensor(node.inputs[1]), let values = weight.floats else { return false }
    let bias = node.inputs.count > 2 ? tensor(node.inputs[2])?.floats : []
    guard let bias else { return false }
    let inner = weight.shape[(node.op is Convolution ? 1 : 2)...].reduce(1, *)
    let scaled = values.enumerated().map { $1 * factors[$0 / inner % factors.count] }
    replace(1, of: layer, by: Tensor(scaled, shape: weight.shape), consumers, &names)
    if !bias.isEmpty { replace(2, of: layer, by: Tensor(zip(bias, factors).map { $0 * $1 }, shape: [bias.count]), consumers, &names) }
    return true
  }

  private mutating func add(_ shifts: [Float], to layer: Int, _ consumers: [TensorName: [Use]], _ names: inout UniqueNames) -> Bool {
    let node = nodes[layer]
    guard constants[node.inputs[1]] != nil else { return false }
    if node.inputs.count < 3 {
      let name = names.next("\(node.name).bias")
      constants[name] = Constant(Tensor(shifts, shape: [shifts.count]), .parameter)
      nodes[layer].inputs.append(name)
      return true
    }
    guard let bias = tensor(node.inputs[2])?.floats, bias.count == shifts.count else { return false }
    replace(2, of: layer, by: Tensor(zip(bias, shifts).map { $0 + $1 }, shape: [bias.count]), consumers, &names)
    return true
  }

  /// Gives a layer another parameter; one that others read as well stays as it is for them.
  private mutating func replace(_ port: Int, of layer: Int, by tensor: Tensor, _ consumers: [TensorName: [Use]], _ names: inout UniqueNames) {
    let old = nodes[layer].inputs[port]
    let name = consumers[old, default: []].count > 1 ? names.next(old) : old
    constants[name] = Constant(tensor, .parameter)
    nodes[layer].inputs[port] = name
  }
}
