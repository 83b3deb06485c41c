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
  ///   - bias: how the bias starts; uniform within ±1/√(C/groups · kernel²) when nil.
  /// - Returns: its output.
  public mutating func convolution(
    _ x: Value, _ name: String, channels: Int, kernel: Int, stride: Int = 1, pad: Int = 0, groups: Int = 1, hasBias: Bool = false,
    weights: Initializer = .kaimingNormal(.fanOut), bias: Initializer? = nil
  ) -> Value {
    let shape = [channels, x.channels / max(groups, 1), kernel, kernel]
    var parameters = [parameter(name, "weight", weights, shape: shape)]
    if hasBias {
      let standard = Initializer.uniform(bound: 1 / Float(max(shape[1] * kernel * kernel, 1)).squareRoot())
      parameters.append(parameter(name, "bias", bias ?? standard, shape: [channels]))
    }
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

  /// A transposed convolution without padding. Input [N, C, H, W], weight [C, channels, kernel, kernel], bias [channels], output [N, channels, H', W'].
  /// - Parameters:
  ///   - x: its input.
  ///   - name: the layer's name.
  ///   - channels: output channels.
  ///   - kernel: height and width of the window.
  ///   - stride: step of the window: by how much the image grows.
  /// - Returns: its output.
  public mutating func transposedConvolution(_ x: Value, _ name: String, channels: Int, kernel: Int, stride: Int = 1) -> Value {
    let bound = Initializer.uniform(bound: 1 / Float(max(channels * kernel * kernel, 1)).squareRoot())
    return add(
      ConvolutionTranspose(window: Window(square: kernel, stride: stride)), [x], name,
      parameters: [
        parameter(name, "weight", bound, shape: [x.channels, channels, kernel, kernel]), parameter(name, "bias", bound, shape: [channels]),
      ])
  }

  /// A fully connected layer over the last axis. Input [N, K], or [N, T, K] of tokens; weight [features, K], bias [features], output [N, features] or [N, T, features]. Starts as
  /// PyTorch's Linear does.
  /// - Parameters:
  ///   - x: its input.
  ///   - name: the layer's name.
  ///   - features: outputs.
  ///   - weights: how the weight starts; uniform within ±1/√K when nil.
  ///   - bias: how the bias starts; uniform within ±1/√K when nil.
  ///   - parameterNames: full names of weight and bias; behind the layer's name when nil.
  /// - Returns: its output.
  public mutating func linear(
    _ x: Value, _ name: String, features: Int, weights: Initializer? = nil, bias: Initializer? = nil,
    parameterNames: (weight: TensorName, bias: TensorName)? = nil
  ) -> Value {
    let standard = Initializer.uniform(bound: 1 / Float(max(x.features, 1)).squareRoot())
    let names = parameterNames ?? ("\(name).weight", "\(name).bias")
    let weight = parameter(named: names.weight, weights ?? standard, shape: [features, x.features])
    let shift = parameter(named: names.bias, bias ?? standard, shape: [features])
    if x.type.rank <= 2 { return add(Gemm(transposesB: true), [x, weight, shift], name) }
    // Tokens of all samples become the rows of one matrix.
    let rows = reshape(x, "\(name).rows", [-1, x.features])
    let result = add(Gemm(transposesB: true), [rows, weight, shift], name)
    return reshape(result, "\(name).tokens", [-1] + x.type.dimensions.dropFirst().dropLast().map { $0.fixedSize ?? 0 } + [features])
  }

  /// a + b, element by element, broadcast.
  public mutating func sum(_ a: Value, _ b: Value, _ name: String) -> Value { add(Add(), [a, b], name) }

  /// a · b, element by element, broadcast.
  public mutating func product(_ a: Value, _ b: Value, _ name: String) -> Value { add(Mul(), [a, b], name) }

  /// An image of `factor` times the height and width, between pixels linearly.
  public mutating func upsampling(_ x: Value, _ name: String, factor: Int = 2) -> Value {
    add(Resize(.scales([1, 1, Float(factor), Float(factor)]), .linear), [x], name)
  }

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
