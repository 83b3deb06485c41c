import QATTensor

/// Cross-correlation over one to three dimensions, grouped or not. Inputs: x [N, C, H, W], weight [O, C/groups, kH, kW], optional bias [O]; or with one
/// or three spatial dimensions. Output [N, O, H', W'].
///
/// Source: ONNX operator Conv.
public struct Convolution: Operator {
  /// ONNX's name.
  public static let type = "Conv"
  /// x, weight, and perhaps bias.
  public static let inputCount = 2...3

  /// Kernel size, strides, pads and dilations.
  public var window: Window
  /// Number of groups; equal to C for a depthwise convolution.
  public var groups: Int

  /// A convolution.
  public init(window: Window, groups: Int = 1) {
    self.window = window
    self.groups = groups
  }

  /// [N, O, H', W'].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x", rank: window.kernel.count + 2)
    let weight = try required(inputs, 1, "weight", rank: window.kernel.count + 2)
    guard let channels = x.dimensions[1].fixedSize, let outputs = weight.dimensions[0].fixedSize, let perGroup = weight.dimensions[1].fixedSize else {
      throw ShapeError("Conv needs fixed channel counts, found x \(x) and weight \(weight)")
    }
    guard groups > 0, channels % groups == 0, channels / groups == perGroup, outputs % groups == 0 else {
      throw ShapeError("Conv with \(groups) groups and weight \(weight) cannot take x \(x)")
    }
    guard weight.dimensions[2...].map(\.fixedSize) == window.kernel else {
      throw ShapeError("Conv has kernel_shape \(window.kernel), the weight is \(weight)")
    }
    if inputs.count > 2, inputs[2] != nil {
      let bias = try required(inputs, 2, "bias")
      guard bias.dimensions == [.fixed(outputs)] else { throw ShapeError("Conv with \(outputs) output channels cannot take the bias \(bias)") }
    }
    guard !window.roundsUp else { throw ShapeError("Conv has a window that rounds up, which only poolings do") }
    let size = try window.outputSize(for: window.imageSize(x))
    return [TensorType([x.dimensions[0], .fixed(outputs)] + size.map(Dimension.fixed))]
  }
}
