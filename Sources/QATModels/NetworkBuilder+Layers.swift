import QATGraph
import QATTensor

extension NetworkBuilder {
  /// A convolution. Input [N, C, H, W], weight [channels, C/groups, kernel, kernel], output [N, channels, H', W'].
  /// - Parameters:
  ///   - x: its input.
  ///   - name: the layer's name.
  ///   - channels: output channels.
  ///   - kernel: height and width of the window.
  ///   - stride: step of the window.
  ///   - pad: zero rows and columns added on each side.
  ///   - groups: groups of channels; equal to C for a depthwise convolution.
  ///   - hasBias: whether a bias [channels] is added; not before a batch norm.
  ///   - weights: how the weight starts.
  /// - Returns: its output.
  public mutating func convolution(
    _ x: Value, _ name: String, channels: Int, kernel: Int, stride: Int = 1, pad: Int = 0, groups: Int = 1, hasBias: Bool = false,
    weights: Initializer = .kaimingNormal(.fanOut)
  ) -> Value {
    let shape = [channels, x.channels / max(groups, 1), kernel, kernel]
    var parameters = [parameter(name, "weight", weights, shape: shape)]
    if hasBias { parameters.append(parameter(name, "bias", .uniform(bound: 1 / Float(shape[1] * kernel * kernel).squareRoot()), shape: [channels])) }
    return add(Convolution(window: Window(square: kernel, stride: stride, pad: pad), groups: groups), [x], name, parameters: parameters)
  }

  /// A batch normalisation with gamma 1, beta 0, running mean 0 and running variance 1.
  /// - Parameters:
  ///   - x: its input, [N, C, ...].
  ///   - name: the layer's name.
  ///   - epsilon: added to the variance.
  ///   - momentum: fraction of the running statistics that a step keeps: 1 minus PyTorch's.
  /// - Returns: its output, of the input's type.
  public mutating func batchNormalization(_ x: Value, _ name: String, epsilon: Float = 1e-5, momentum: Float = 0.9) -> Value {
    let shape = [x.channels]
    return add(
      BatchNormalization(epsilon: epsilon, momentum: momentum), [x], name,
      parameters: [
        parameter(name, "weight", .constant(1), shape: shape), parameter(name, "bias", .constant(0), shape: shape),
        ("running_mean", Graph.Constant(Tensor(repeating: 0, shape: shape), .statistic)),
        ("running_var", Graph.Constant(Tensor(repeating: 1, shape: shape), .statistic)),
      ])
  }

  /// A fully connected layer. Input [N, K], weight [features, K], bias [features], output [N, features]. Starts as PyTorch's Linear does.
  /// - Parameters:
  ///   - x: its input.
  ///   - name: the layer's name.
  ///   - features: outputs.
  ///   - weights: how the weight starts; uniform within ±1/√K when nil.
  ///   - bias: how the bias starts; uniform within ±1/√K when nil.
  /// - Returns: its output.
  public mutating func linear(_ x: Value, _ name: String, features: Int, weights: Initializer? = nil, bias: Initializer? = nil) -> Value {
    let standard = Initializer.uniform(bound: 1 / Float(max(x.channels, 1)).squareRoot())
    return add(
      Gemm(transposesB: true), [x], name,
      parameters: [
        parameter(name, "weight", weights ?? standard, shape: [features, x.channels]), parameter(name, "bias", bias ?? standard, shape: [features]),
      ])
  }

  /// max(x, 0).
  public mutating func relu(_ x: Value, _ name: String) -> Value { add(Relu(), [x], name) }

  /// min(max(x, 0), 6).
  public mutating func relu6(_ x: Value, _ name: String) -> Value { add(Clip(lower: 0, upper: 6), [x], name) }

  /// a + b, element by element.
  public mutating func sum(_ a: Value, _ b: Value, _ name: String) -> Value { add(Add(), [a, b], name) }

  /// The maximum under each position of a square window.
  public mutating func maxPool(_ x: Value, _ name: String, kernel: Int, stride: Int, pad: Int = 0) -> Value {
    add(MaxPool(window: Window(square: kernel, stride: stride, pad: pad)), [x], name)
  }

  /// The mean under each position of a square window; padding does not count.
  public mutating func averagePool(_ x: Value, _ name: String, kernel: Int, stride: Int, pad: Int = 0) -> Value {
    add(AveragePool(window: Window(square: kernel, stride: stride, pad: pad)), [x], name)
  }

  /// The mean over height and width: [N, C, H, W] to [N, C, 1, 1].
  public mutating func globalAveragePool(_ x: Value, _ name: String) -> Value { add(GlobalAveragePool(), [x], name) }

  /// [N, ...] to [N, K].
  public mutating func flatten(_ x: Value, _ name: String) -> Value { add(Flatten(), [x], name) }

  /// Joins along channels.
  public mutating func concatenation(_ inputs: [Value], _ name: String) -> Value { add(Concat(axis: 1), inputs, name) }

  /// Zeroes each element with probability `ratio` in training.
  public mutating func dropout(_ x: Value, _ name: String, ratio: Float) -> Value { add(Dropout(ratio: ratio), [x], name) }
}
