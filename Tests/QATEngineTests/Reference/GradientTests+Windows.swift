import QATGraph

extension GradientTests {
  private static let lines: [Window] = [
    Window(kernel: [3], pads: [1, 1]), Window(kernel: [2], strides: [2], dilations: [2]),
    Window(kernel: [3], strides: [2], pads: [2, 0], roundsUp: false),
  ]
  private static let boxes: [Window] = [
    Window(kernel: [2, 1, 2]), Window(kernel: [2, 3, 2], strides: [2, 1, 2], pads: [1, 1, 0, 0, 1, 1], dilations: [1, 1, 2]),
  ]

  /// Convolutions and poolings over one and three dimensions.
  static let volumes: [GradientCase] =
    lines.flatMap { window in
      [
        GradientCase(Convolution(window: window, groups: 2), [[2, 4, 7], [2, 2] + window.kernel, [2]]),
        GradientCase(MaxPool(window: window), [[2, 2, 7]], values: .distinct),
        GradientCase(AveragePool(window: window, countsPadding: true), [[2, 2, 7]]),
      ]
    }
    + boxes.flatMap { window in
      [
        GradientCase(Convolution(window: window), [[1, 2, 3, 4, 4], [3, 2] + window.kernel, [3]]),
        GradientCase(MaxPool(window: window), [[1, 2, 3, 4, 4]], values: .distinct), GradientCase(AveragePool(window: window), [[1, 2, 3, 4, 4]]),
      ]
    }
    + [1, 2, 3].flatMap { p in
      windows.prefix(6).map { GradientCase(LpPool(window: $0, p: p), [[2, 2, 5, 6]], values: .positive) }
    }
    + [
      GradientCase(LpPool(window: Window(kernel: [3, 3])), [[1, 2, 5, 5]], values: .awayFrom([0])),
      GradientCase(GlobalMaxPool(), [[2, 3, 3, 5]], values: .distinct), GradientCase(GlobalMaxPool(), [[2, 3, 4]], values: .distinct),
      GradientCase(GlobalAveragePool(), [[2, 3, 4]]), GradientCase(GlobalAveragePool(), [[1, 2, 2, 3, 2]]),
    ]

  static let transposes: [GradientCase] =
    windows.dropLast().map { GradientCase(ConvolutionTranspose(window: cut($0)), [[2, 2, 3, 4], [2, 3] + $0.kernel, [3]]) }
    + windows.dropLast().map { GradientCase(ConvolutionTranspose(window: cut($0), groups: 2), [[1, 4, 4, 3], [4, 3] + $0.kernel]) }
    + [
      GradientCase(ConvolutionTranspose(window: Window(square: 3, stride: 2, pad: 1), outputPadding: [1, 0]), [[2, 3, 3, 4], [3, 2, 3, 3], nil]),
      GradientCase(ConvolutionTranspose(window: Window(square: 2, stride: 3), outputPadding: [2, 1]), [[1, 2, 3, 3], [2, 2, 2, 2], [2]]),
      GradientCase(ConvolutionTranspose(window: Window(kernel: [3], strides: [2], dilations: [2])), [[2, 3, 4], [3, 2, 3], [2]]),
      GradientCase(ConvolutionTranspose(window: Window(kernel: [2, 1, 2], strides: [2, 1, 1])), [[1, 2, 2, 3, 2], [2, 2, 2, 1, 2], [2]]),
    ]

  /// Pads that leave something of the result.
  private static func cut(_ window: Window) -> Window {
    var window = window
    window.pads = window.pads.map { min($0, 1) }
    return window
  }
}
