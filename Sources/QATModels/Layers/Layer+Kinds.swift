/// The layers, each as the builder's method of the same name.
extension Layer {
  /// A convolution to `channels` channels, with a square window. Without a bias in front of a batch norm.
  public static func convolution(
    _ channels: Int, kernel: Int, stride: Int = 1, pad: Int = 0, groups: Int = 1, hasBias: Bool = true, weights: Initializer = .kaimingNormal(.fanOut)
  ) -> Layer {
    Layer { $0.convolution($1, $2, channels: channels, kernel: kernel, stride: stride, pad: pad, groups: groups, hasBias: hasBias, weights: weights) }
  }

  /// A convolution of each channel by itself.
  public static func depthwiseConvolution(kernel: Int, stride: Int = 1, pad: Int = 0, hasBias: Bool = true) -> Layer {
    Layer { net, x, name in
      net.convolution(x, name, channels: x.channels, kernel: kernel, stride: stride, pad: pad, groups: x.channels, hasBias: hasBias)
    }
  }

  /// A transposed convolution to `channels` channels, with a square window.
  public static func transposedConvolution(_ channels: Int, kernel: Int, stride: Int = 1) -> Layer {
    Layer { $0.transposedConvolution($1, $2, channels: channels, kernel: kernel, stride: stride) }
  }

  /// A fully connected layer to `features` outputs, over the last axis.
  public static func linear(_ features: Int, weights: Initializer? = nil, bias: Initializer? = nil) -> Layer {
    Layer { $0.linear($1, $2, features: features, weights: weights, bias: bias) }
  }

  /// A table of `count` embeddings.
  public static func embedding(count: Int, features: Int) -> Layer { Layer { $0.embedding($1, $2, count: count, features: features) } }

  /// Batch normalisation.
  public static var batchNormalization: Layer { batchNormalization() }
  /// Batch normalisation; `momentum` is the fraction of the running statistics that a step keeps.
  public static func batchNormalization(epsilon: Float = 1e-5, momentum: Float = 0.9) -> Layer {
    Layer { $0.batchNormalization($1, $2, epsilon: epsilon, momentum: momentum) }
  }

  /// Layer normalisation over the last axis.
  public static var layerNormalization: Layer { Layer { $0.layerNormalization($1, $2) } }

  /// max(x, 0).
  public static var relu: Layer { Layer { $0.relu($1, $2) } }
  /// min(max(x, 0), 6).
  public static var relu6: Layer { Layer { $0.relu6($1, $2) } }
  /// x where it is positive, `slope` · x elsewhere.
  public static func leakyRelu(slope: Float = 0.01) -> Layer { Layer { $0.leakyRelu($1, $2, slope: slope) } }
  /// 1 / (1 + exp(−x)).
  public static var sigmoid: Layer { Layer { $0.sigmoid($1, $2) } }
  /// min(max(x + 3, 0), 6) / 6.
  public static var hardSigmoid: Layer { Layer { $0.hardSigmoid($1, $2) } }
  /// x · hardSigmoid(x).
  public static var hardSwish: Layer { Layer { $0.hardSwish($1, $2) } }
  /// x · sigmoid(x).
  public static var silu: Layer { Layer { $0.silu($1, $2) } }
  /// x · Φ(x).
  public static var gelu: Layer { Layer { $0.gelu($1, $2) } }
  /// The hyperbolic tangent.
  public static var tanh: Layer { Layer { $0.tanh($1, $2) } }
  /// exp(x) over its sum along the last axis.
  public static var softmax: Layer { Layer { $0.softmax($1, $2) } }

  /// The maximum under each position of a square window.
  public static func maxPool(kernel: Int, stride: Int, pad: Int = 0) -> Layer {
    Layer { $0.maxPool($1, $2, kernel: kernel, stride: stride, pad: pad) }
  }
  /// The mean under each position of a square window.
  public static func averagePool(kernel: Int, stride: Int, pad: Int = 0) -> Layer {
    Layer { $0.averagePool($1, $2, kernel: kernel, stride: stride, pad: pad) }
  }
  /// The mean over height and width.
  public static var globalAveragePool: Layer { Layer { $0.globalAveragePool($1, $2) } }
  /// An image of twice, or `factor` times, the height and width, between pixels linearly.
  public static func upsampling(_ factor: Int = 2) -> Layer { Layer { $0.upsampling($1, $2, factor: factor) } }
  /// [N, ...] to [N, K].
  public static var flatten: Layer { Layer { $0.flatten($1, $2) } }
  /// Zeroes each element with probability `ratio` in training.
  public static func dropout(_ ratio: Float) -> Layer { Layer { $0.dropout($1, $2, ratio: ratio) } }

  /// Layers one after the other, named behind this layer's name.
  public static func sequence(_ layers: [Layer]) -> Layer { Layer { $0.sequence($1, $2, layers) } }

  /// What layers make of x, added to x, or to what `shortcut` makes of it where shapes differ.
  public static func residual(_ layers: [Layer], shortcut: [Layer] = []) -> Layer {
    Layer { net, x, name in
      let y = net.sequence(x, name, layers)
      let other = shortcut.isEmpty ? x : net.sequence(x, "\(name).downsample", shortcut)
      return net.sum(y, other, "\(name).add")
    }
  }
}
