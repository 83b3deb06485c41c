import QATTensor

/// The transpose of a convolution: every element of x adds the weight's window, times itself, to the output. Inputs: x [N, C, H, W],
/// weight [C, O/groups, kH, kW], optional bias [O]; or with one or three spatial dimensions. Output [N, O, H', W'].
///
/// Source: ONNX operator ConvTranspose.
public struct ConvolutionTranspose: Operator {
  /// ONNX's name.
  public static let type = "ConvTranspose"
  /// x, weight, and perhaps bias.
  public static let inputCount = 2...3
  /// Kernel size, dilations, the steps between the windows of neighbouring elements, and how much is cut off around the result.
  public var window: Window
  /// Number of groups.
  public var groups: Int
  /// Rows and columns added at the end of the result, one number a spatial dimension. Never negative.
  public var outputPadding: [Int]

  /// A transposed convolution; no output padding unless said otherwise.
  public init(window: Window, groups: Int = 1, outputPadding: [Int]? = nil) {
    self.window = window
    self.groups = groups
    self.outputPadding = outputPadding ?? window.kernel.map { _ in 0 }
  }

  /// [N, O, H', W'] with H' = stride · (H − 1) + (kernel − 1) · dilation + 1 − pads + output padding.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x", rank: window.kernel.count + 2)
    let weight = try required(inputs, 1, "weight", rank: window.kernel.count + 2)
    guard let channels = x.dimensions[1].fixedSize, let inputs0 = weight.dimensions[0].fixedSize, let perGroup = weight.dimensions[1].fixedSize else {
      throw ShapeError("ConvTranspose needs fixed channel counts, found x \(x) and weight \(weight)")
    }
    let (outputs, overflow) = perGroup.multipliedReportingOverflow(by: groups)
    guard groups > 0, channels == inputs0, channels % groups == 0, perGroup > 0, !overflow else {
      throw ShapeError("ConvTranspose with \(groups) groups and weight \(weight) cannot take x \(x)")
    }
    guard weight.dimensions[2...].map(\.fixedSize) == window.kernel else {
      throw ShapeError("ConvTranspose has kernel_shape \(window.kernel), the weight is \(weight)")
    }
    if inputs.count > 2, inputs[2] != nil {
      let bias = try required(inputs, 2, "bias")
      guard bias.dimensions == [.fixed(outputs)] else {
        throw ShapeError("ConvTranspose with \(outputs) output channels cannot take the bias \(bias)")
      }
    }
    guard !window.roundsUp else { throw ShapeError("ConvTranspose has a window that rounds up, which only poolings do") }
    let size = try outputSize(for: window.imageSize(x))
    return [TensorType([x.dimensions[0], .fixed(outputs)] + size.map(Dimension.fixed))]
  }

  /// The spatial dimensions of the result for an x of `size`.
  private func outputSize(for size: [Int]) throws(ShapeError) -> [Int] {
    try window.checkAttributes(rank: size.count)
    guard outputPadding.count == size.count, outputPadding.allSatisfy({ (0..<1 << 31).contains($0) }), size.allSatisfy({ (1..<1 << 31).contains($0) })
    else { throw ShapeError("ConvTranspose of an image of \(size) cannot have the output padding \(outputPadding)") }
    var result: [Int] = []
    for axis in size.indices {
      let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      // Each product is below 2⁶², so the first sum may wrap around.
      let (sum, overflow) = (window.strides[axis] * (size[axis] - 1)).addingReportingOverflow(reach)
      let length = sum - window.pads[axis] - window.pads[axis + size.count] + (overflow ? 0 : outputPadding[axis])
      guard !overflow, sum < 1 << 62, length > 0 else {
        throw ShapeError(
          "ConvTranspose of an image of \(size) with pads \(window.pads) has \(overflow ? "too much" : "nothing") left along axis \(axis)")
      }
      result.append(length)
    }
    return result
  }
}
