extension NetworkBuilder {
  /// Channels weighed by what the whole image says of them: x · gate(fc2(activation(fc1(mean(x))))). Parameters `fc1` and `fc2`, 1×1 convolutions with biases, as torchvision has
  /// them. Source: Hu et al. 2017, arXiv:1709.01507.
  /// - Parameters:
  ///   - x: the input, [N, C, H, W].
  ///   - name: the layer's name.
  ///   - squeezed: channels between the two convolutions.
  ///   - activation: between them.
  ///   - gate: behind them.
  /// - Returns: the output, of the input's type.
  mutating func squeezeExcitation(_ x: Value, _ name: String, squeezed: Int, activation: Activation, gate: Activation) -> Value {
    var s = globalAveragePool(x, "\(name).avgpool")
    s = convolution(s, "\(name).fc1", channels: squeezed, kernel: 1, hasBias: true, bias: .constant(0))
    s = activated(s, "\(name).activation", activation)
    s = convolution(s, "\(name).fc2", channels: x.channels, kernel: 1, hasBias: true, bias: .constant(0))
    return product(x, activated(s, "\(name).scale_activation", gate), "\(name).mul")
  }

  /// An activation that an architecture chooses.
  enum Activation {
    case relu, relu6, hardSwish, hardSigmoid, silu, sigmoid
  }

  mutating func activated(_ x: Value, _ name: String, _ activation: Activation) -> Value {
    switch activation {
    case .relu: relu(x, name)
    case .relu6: relu6(x, name)
    case .hardSwish: hardSwish(x, name)
    case .hardSigmoid: hardSigmoid(x, name)
    case .silu: silu(x, name)
    case .sigmoid: sigmoid(x, name)
    }
  }

  /// A convolution that keeps the size at stride 1, batch norm, and an activation where there is one: torchvision's `Conv2dNormActivation`, parameters `<name>.0` and `<name>.1`.
  mutating func convolutionNorm(
    _ x: Value, _ name: String, channels: Int, kernel: Int, stride: Int = 1, groups: Int = 1, epsilon: Float = 1e-5, momentum: Float = 0.9,
    _ activation: Activation?
  ) -> Value {
    var y = convolution(x, "\(name).0", channels: channels, kernel: kernel, stride: stride, pad: (kernel - 1) / 2, groups: groups)
    y = batchNormalization(y, "\(name).1", epsilon: epsilon, momentum: momentum)
    if let activation { y = activated(y, "\(name).2", activation) }
    return y
  }
}
