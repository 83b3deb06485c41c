import QATGraph
import QATTensor

extension Convolution: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    guard window.kernel.count == 2 else {
      throw writer.unsupported(node, "only images of two spatial dimensions can be written, found \(window.kernel.count)")
    }
    let x = try writer.image(node.inputs[0])
    let shape = writer.type(of: node.inputs[1]).shape(batchSize: 1)
    // TensorFlow's depthwise kernel has one stride.
    let isDepthwise = groups > 1 && shape[1] == 1 && window.strides[0] == window.strides[1]
    let filter: String
    if isDepthwise {
      let multiplier = shape[0] / groups
      filter = try writer.weight(node.inputs[1], "depthwise", axis: 3, splitting: [shape[2], shape[3], groups, multiplier], node) {
        $0.transposed([2, 3, 1, 0])
      }
    } else {
      filter = try writer.weight(node.inputs[1], "filter", axis: 3, node) { $0.transposed([2, 3, 1, 0]) }
    }
    let attributes = writer.window(window, of: node.inputs[0])
    try writer.emitLayer(
      isDepthwise ? "DepthwiseConv2dNative" : "Conv2D", [x, filter], bias: node.inputs.count > 2 ? node.inputs[2] : "", .channelsLast, node,
      attributes)
  }
}

extension ConvolutionTranspose: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    guard window.kernel.count == 2, groups == 1 else {
      throw writer.unsupported(node, "only images of two spatial dimensions and one group can be written")
    }
    let x = try writer.image(node.inputs[0])
    // [inputs, outputs, height, width] → [height, width, outputs, inputs]; a quantizer needs the outputs last.
    let filter = try writer.weight(node.inputs[1], "transposed filter", axis: 3, moving: [0, 1, 3, 2], node) { $0.transposed([2, 3, 0, 1]) }
    let size = try writer.shape(TensorFlowLayout.channelsLast.fileOrder(writer.type(of: node.outputs[0]).dimensions), node)
    let attributes = writer.window(window, of: node.outputs[0])
    try writer.emitLayer(
      "Conv2DBackpropInput", [size, filter, x], bias: node.inputs.count > 2 ? node.inputs[2] : "", .channelsLast, node, attributes)
  }
}

extension MaxPool: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    guard window.kernel.count == 2, window.dilations.allSatisfy({ $0 == 1 }) else {
      throw writer.unsupported(node, "only images of two spatial dimensions, without dilations, can be written")
    }
    if places != nil { throw writer.unsupported(node, "the places of the largest elements cannot be written") }
    var window = window
    window.pads = writer.exactPads(window, node)
    let x = try writer.image(node.inputs[0])
    writer.emitFloat("MaxPool", [x], .channelsLast, node, writer.poolingWindow(window, of: node.inputs[0]))
  }
}

extension AveragePool: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    guard window.kernel.count == 2, window.dilations.allSatisfy({ $0 == 1 }) else {
      throw writer.unsupported(node, "only images of two spatial dimensions, without dilations, can be written")
    }
    var exact = window
    exact.pads = writer.exactPads(window, node)
    let x = try writer.image(node.inputs[0])
    if exact.pads.allSatisfy({ $0 == 0 }) || (!countsPadding && writer.isSame(exact, writer.size(of: node.inputs[0]))) {
      return writer.emitFloat("AvgPool", [x], .channelsLast, node, writer.poolingWindow(exact, of: node.inputs[0]))
    }
    // TensorFlow has no padding of its own here: zeros around the image, and the sums over what counts instead of over the whole window.
    let pads = constantPads(exact)
    let padded = writer.floatHelper(
      "Pad", [x, writer.constant(Tensor(shape: [4, 2], elements: .int32(pads)), "paddings", node)], "padded", node, [.type("Tpaddings", .dtInt32)])
    var bare = exact
    bare.pads = exact.pads.map { _ in 0 }
    let attributes = writer.poolingWindow(bare, of: node.inputs[0])
    let factors = self.factors(exact, writer.size(of: node.inputs[0]))
    guard factors.floats?.contains(where: { $0 != 1 }) == true else { return writer.emitFloat("AvgPool", [padded], .channelsLast, node, attributes) }
    let mean = writer.floatHelper("AvgPool", [padded], "mean", node, attributes)
    writer.emitFloat("Mul", [mean, writer.constant(factors, "factors", node)], .channelsLast, node)
  }

  private func constantPads(_ window: Window) -> [Int32] {
    [0, 0, window.pads[0], window.pads[2], window.pads[1], window.pads[3], 0, 0].map { Int32(clamping: $0) }
  }

  /// The window's size over the number of elements that count, [1, height, width, 1].
  private func factors(_ exact: Window, _ size: [Int]) -> Tensor {
    let counts = (0..<2).map { axis in
      let positions = (size[axis] + exact.pads[axis] + exact.pads[axis + 2] - exact.kernel[axis]) / exact.strides[axis] + 1
      // What was only added to round up does not count in either way.
      let (first, last) = countsPadding ? (-window.pads[axis], size[axis] + window.pads[axis + 2]) : (0, size[axis])
      return (0..<positions).map { position in
        let start = position * exact.strides[axis] - exact.pads[axis]
        return min(start + exact.kernel[axis], last) - max(start, first)
      }
    }
    let area = Float(exact.kernel[0] * exact.kernel[1])
    return Tensor(counts[0].flatMap { row in counts[1].map { area / Float(row * $0) } }, shape: [1, counts[0].count, counts[1].count, 1])
  }
}

extension GlobalAveragePool: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitGlobalPool("Mean", node) }
}

extension GlobalMaxPool: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitGlobalPool("Max", node) }
}

extension Resize: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let before = writer.type(of: node.inputs[0]).dimensions
    let after = writer.type(of: node.outputs[0]).dimensions
    let refusal = writer.unsupported(node, "TensorFlow has no resize of this kind: \(self)")
    guard before.count == 4, before[..<2] == after[..<2], !antialiases, aspectRatio == .stretch, region == nil else { throw refusal }
    if case .scales(let scales) = extent {
      guard
        zip(before.dropFirst(2), zip(after.dropFirst(2), scales.dropFirst(2))).allSatisfy({ old, new in
          Float(old.fixedSize ?? 0) * new.1 == Float(new.0.fixedSize ?? 0)
        })
      else { throw refusal }
    }
    let type: String
    switch (interpolation, coordinates) {
    case (.linear, .halfPixel), (.linear, .pytorchHalfPixel), (.linear, .alignCorners), (.linear, .asymmetric): type = "ResizeBilinear"
    case (.nearest(.preferCeil), .halfPixel), (.nearest(.preferCeil), .alignCorners), (.nearest(.floor), .asymmetric): type = "ResizeNearestNeighbor"
    default: throw refusal
    }
    let size = writer.integers(after.dropFirst(2).compactMap(\.fixedSize), "size", node)
    writer.emitFloat(
      type, [try writer.image(node.inputs[0]), size], .channelsLast, node,
      [.flag("align_corners", coordinates == .alignCorners), .flag("half_pixel_centers", [.halfPixel, .pytorchHalfPixel].contains(coordinates))])
  }
}

extension TensorFlowWriter {
  /// Height and width of a tensor.
  func size(of tensor: TensorName) -> [Int] { type(of: tensor).dimensions.dropFirst(2).compactMap(\.fixedSize) }

  fileprivate mutating func emitGlobalPool(_ type: String, _ node: Node) throws(TensorFlowError) {
    let rank = self.type(of: node.inputs[0]).rank
    let x = try image(node.inputs[0])
    emitFloat(type, [x, integers(Array(1..<rank - 1), "axes", node)], .channelsLast, node, [.type("Tidx", .dtInt32), .flag("keep_dims", true)])
  }

  /// The pads of a window that rounds down to the same positions: what the last window reaches beyond the image, or falls short of it, is the padding's end.
  fileprivate func exactPads(_ window: Window, _ node: Node) -> [Int] {
    guard window.roundsUp else { return window.pads }
    let (before, after) = (size(of: node.inputs[0]), size(of: node.outputs[0]))
    var pads = window.pads
    for axis in 0..<2 {
      let reach = (after[axis] - 1) * window.strides[axis] + window.kernel[axis] - before[axis] - pads[axis]
      pads[axis + 2] = max(reach, 0)
    }
    return pads
  }

  /// Whether the pads are those that TensorFlow calls SAME for an image of `size`.
  func isSame(_ window: Window, _ size: [Int]) -> Bool {
    (0..<2).allSatisfy { axis in
      let positions = (size[axis] + window.strides[axis] - 1) / window.strides[axis]
      let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      let total = max((positions - 1) * window.strides[axis] + reach - size[axis], 0)
      return window.pads[axis] == total / 2 && window.pads[axis + 2] == total - total / 2
    }
  }

  /// The attributes of a window over an image.
  func window(_ window: Window, of image: TensorName) -> [TFAttrEntry] {
    var attributes = [TFAttrEntry.string("data_format", "NHWC"), .ints("dilations", [1] + window.dilations + [1])]
    let pads = window.pads
    if pads.allSatisfy({ $0 == 0 }) {
      attributes.append(.string("padding", "VALID"))
    } else if isSame(window, size(of: image)) {
      attributes.append(.string("padding", "SAME"))
    } else {
      attributes += [.ints("explicit_paddings", [0, 0, pads[0], pads[2], pads[1], pads[3], 0, 0]), .string("padding", "EXPLICIT")]
    }
    return attributes + [.ints("strides", [1] + window.strides + [1])]
  }

  fileprivate func poolingWindow(_ window: Window, of image: TensorName) -> [TFAttrEntry] {
    self.window(window, of: image).filter { $0.key != "dilations" } + [.ints("ksize", [1] + window.kernel + [1])]
  }
}
