import QATGraph
import QATImporting
import QATTensor

/// Convolutions and poolings.
extension TensorFlowImporter {
  static let windows: [String: OperatorImporter] = [
    "Conv2D": convolution,
    "DepthwiseConv2dNative": depthwiseConvolution,
    "Conv2DBackpropInput": convolutionTranspose,
    "MaxPool": maxPool,
    "AvgPool": averagePool,
    "BiasAdd": biasAdd,
    // Dilated convolutions stand between these two.
    "SpaceToBatchND": spaceToBatch,
    "BatchToSpaceND": batchToSpace,
  ]

  /// An image operand with its window: what the attributes of the node say, padding resolved for the image's size.
  struct ImageOperand {
    var name: TensorName
    /// The image's height and width.
    var size: [Int]
    /// How the result relates to the file's.
    var layout: TensorFlowLayout
    var strides: [Int]
    var dilations: [Int]
  }

  private static func convolution(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let x = try importer.imageOperand(0, node)
    let shape = try importer.filterShape(1, node)
    let channels = importer.type(of: x.name).dimensions[1].fixedSize ?? 0
    guard shape[2] > 0, channels % shape[2] == 0 else { throw node.error("its filter \(shape) does not fit \(importer.type(of: x.name))") }
    // [height, width, inputs, outputs] → [outputs, inputs, height, width].
    let weight = try importer.filter(1, permutation: [3, 2, 0, 1], shape: nil, node)
    let window = try importer.window(x, kernel: Array(shape[..<2]), node)
    try importer.emit(Convolution(window: window, groups: channels / shape[2]), [x.name, weight], x.layout, node)
  }

  private static func depthwiseConvolution(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let x = try importer.imageOperand(0, node)
    let shape = try importer.filterShape(1, node)
    // [height, width, channels, multiplier] → [channels · multiplier, 1, height, width].
    let weight = try importer.filter(1, permutation: [2, 3, 0, 1], shape: [shape[2] * shape[3], 1, shape[0], shape[1]], node)
    let window = try importer.window(x, kernel: Array(shape[..<2]), node)
    try importer.emit(Convolution(window: window, groups: shape[2]), [x.name, weight], x.layout, node)
  }

  private static func convolutionTranspose(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let x = try importer.imageOperand(2, node)
    let shape = try importer.filterShape(1, node)
    // [height, width, outputs, inputs] → [inputs, outputs, height, width].
    let weight = try importer.filter(1, permutation: [3, 2, 0, 1], shape: nil, node)
    guard let target = try importer.value(0, node).integers?.elements, target.count == 4 else {
      throw node.unsupported("only with the size of its result known is")
    }
    let axes = x.layout == .channelsLast ? [1, 2] : [2, 3]
    let size = axes.compactMap { target[$0].fixedSize }
    guard size.count == 2, size.allSatisfy({ (1...Self.windowLimit).contains($0) }) else { throw node.error("its result has the size \(target)") }
    // The padding is that of the convolution which makes x of the result.
    let window = try importer.window(
      ImageOperand(name: x.name, size: size, layout: x.layout, strides: x.strides, dilations: x.dilations), kernel: Array(shape[..<2]), node)
    let outputPadding = (0..<2).map { axis in
      let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      return size[axis] - (window.strides[axis] * (x.size[axis] - 1) + reach - window.pads[axis] - window.pads[axis + 2])
    }
    guard outputPadding.allSatisfy({ $0 >= 0 }) else { throw node.error("an image of \(x.size) does not become one of \(size)") }
    try importer.emit(ConvolutionTranspose(window: window, outputPadding: outputPadding), [x.name, weight], x.layout, node)
  }

  private static func maxPool(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let x = try importer.imageOperand(0, node)
    try importer.emit(MaxPool(window: try importer.poolingWindow(x, node)), [x.name], x.layout, node)
  }

  private static func averagePool(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let x = try importer.imageOperand(0, node)
    try importer.emit(AveragePool(window: try importer.poolingWindow(x, node)), [x.name], x.layout, node)
  }

  private mutating func poolingWindow(_ x: ImageOperand, _ node: TensorFlowNode) throws(TensorFlowError) -> Window {
    guard let kernel = try spatial("ksize", x.layout, default: nil, node) else { throw node.error("\(node.type) needs the attribute 'ksize'") }
    return try window(x, kernel: kernel, node)
  }

  private static func biasAdd(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    guard try node.string("data_format") ?? "NHWC" == "NHWC" else { throw node.unsupported("only data_format NHWC is") }
    try importer.emitAddition(role: .parameter, node)
  }

  // MARK: Dilated convolutions

  /// Keras writes a dilated convolution as one between SpaceToBatchND and BatchToSpaceND: here it is one with dilations, and what SpaceToBatchND pads
  /// belongs to its window.
  private static func spaceToBatch(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let readers = importer.file.readers(of: node)
    guard readers.count == 1, ["Conv2D", "DepthwiseConv2dNative"].contains(readers[0].type) else {
      throw node.unsupported("only around a dilated convolution is")
    }
    let block = try importer.integers(1, "block shape", node)
    let paddings = try importer.integers(2, "paddings", node)
    guard block.count == 2, paddings.count == 4, (block + paddings).allSatisfy({ (0...Self.windowLimit).contains($0) }), !block.contains(0) else {
      throw node.error("its blocks are \(block) and its paddings \(paddings)")
    }
    importer.dilations[node.name] = Dilation(block: block, paddings: paddings)
    try importer.bind(node.name, to: .computed(try importer.image(0, node), .channelsLast), node)
  }

  private static func batchToSpace(_ importer: inout TensorFlowImporter, _ node: TensorFlowNode) throws(TensorFlowError) {
    let input = try node.input(0)
    guard case .computed(let name, .channelsLast) = try importer.value(0, node), let inner = importer.file.maker(of: input),
      let index = importer.assembly.graph.nodes.lastIndex(where: { $0.outputs == [name] }),
      var convolution = importer.assembly.graph.nodes[index].as(Convolution.self), convolution.window.pads.allSatisfy({ $0 == 0 }),
      let first = inner.inputs.first,
      let dilation = importer.dilations[first]
    else { throw node.unsupported("only around a dilated convolution is") }
    let crops = try importer.integers(2, "crops", node)
    guard try importer.integers(1, "block shape", node) == dilation.block, crops.count == 4 else {
      throw node.error("its blocks are not those of the SpaceToBatchND '\(first)'")
    }
    // Paddings are [[top, bottom], [left, right]], of which the crops take back what only filled blocks up.
    convolution.window.dilations = dilation.block
    convolution.window.pads = [0, 2, 1, 3].map { dilation.paddings[$0] - ($0 % 2 == 1 ? crops[$0] : 0) }
    guard crops[0] == 0, crops[2] == 0, convolution.window.pads.allSatisfy({ $0 >= 0 }) else { throw node.unsupported("crops \(crops) are not") }
    let inputs = importer.assembly.graph.nodes[index].inputs
    try importer.emit(convolution, inputs, .channelsLast, node)
  }

  // MARK: Operands

  /// No window of a real network comes near it; products of three such numbers still fit an integer.
  static let windowLimit = 1 << 20

  /// The image that the node reads at `index`.
  private mutating func imageOperand(_ index: Int, _ node: TensorFlowNode) throws(TensorFlowError) -> ImageOperand {
    let format = try node.string("data_format") ?? "NHWC"
    guard ["NHWC", "NCHW"].contains(format) else { throw node.unsupported("data_format \(format) is not") }
    let layout: TensorFlowLayout = format == "NHWC" ? .channelsLast : .plain
    let name = layout == .plain ? try plain(index, node) : try image(index, node)
    let type = type(of: name)
    let size = type.dimensions.dropFirst(2).compactMap(\.fixedSize)
    guard type.rank == 4, size.count == 2, type.dimensions[1].fixedSize != nil, size.allSatisfy({ $0 <= Self.windowLimit }) else {
      throw node.error("\(node.type) needs an image with fixed channels, height and width, found \(type)")
    }
    return ImageOperand(
      name: name, size: size, layout: layout, strides: try spatial("strides", layout, default: [1, 1], node) ?? [1, 1],
      dilations: try spatial("dilations", layout, default: [1, 1], node) ?? [1, 1])
  }

  /// The numbers for height and width of an attribute that has one for each axis.
  private func spatial(_ name: String, _ layout: TensorFlowLayout, default value: [Int]?, _ node: TensorFlowNode) throws(TensorFlowError) -> [Int]? {
    guard let given = try node.ints(name), !given.isEmpty else { return value }
    let numbers = layout == .channelsLast ? given : TensorFlowLayout.channelsLast.fileOrder(given)
    guard numbers.count == 4, numbers[0] == 1, numbers[3] == 1, numbers.allSatisfy({ (1...Self.windowLimit).contains($0) }) else {
      throw node.error("the attribute '\(name)' is \(given.prefix(8)), expected four numbers of at least 1 that leave batch and channels alone")
    }
    return Array(numbers[1...2])
  }

  /// The window of the node over an image. SAME: the output has ⌈size / stride⌉ positions; what the last one reaches beyond the image is padded, the odd
  /// one at the end.
  private func window(_ x: ImageOperand, kernel: [Int], _ node: TensorFlowNode) throws(TensorFlowError) -> Window {
    var window = Window(kernel: kernel, strides: x.strides, dilations: x.dilations)
    switch try node.string("padding") {
    case "VALID": break
    case "SAME":
      for axis in 0..<2 {
        let positions = (x.size[axis] + x.strides[axis] - 1) / x.strides[axis]
        let reach = (kernel[axis] - 1) * x.dilations[axis] + 1
        let total = max((positions - 1) * x.strides[axis] + reach - x.size[axis], 0)
        window.pads[axis] = total / 2
        window.pads[axis + 2] = total - total / 2
      }
    case "EXPLICIT":
      let given = try node.ints("explicit_paddings") ?? []
      guard given.count == 8, given.allSatisfy({ (0...Self.windowLimit).contains($0) }) else {
        throw node.error("the attribute 'explicit_paddings' is \(given.prefix(8)), expected eight numbers of at least 0")
      }
      let first = x.layout == .channelsLast ? 2 : 4
      guard given[..<first].allSatisfy({ $0 == 0 }), given[(first + 4)...].allSatisfy({ $0 == 0 }) else {
        throw node.error("the attribute 'explicit_paddings' is \(given), which pads batch or channels")
      }
      window.pads = [given[first], given[first + 2], given[first + 1], given[first + 3]]
    case let other:
      throw node.error("the attribute 'padding' is '\(other ?? "")', expected SAME, VALID or EXPLICIT")
    }
    return window
  }

  /// The shape of a filter, four positive numbers.
  private func filterShape(_ index: Int, _ node: TensorFlowNode) throws(TensorFlowError) -> [Int] {
    let shape = try dimensions(index, node).compactMap(\.fixedSize)
    guard shape.count == 4, shape.allSatisfy({ (1...Self.windowLimit).contains($0) }) else {
      throw node.error("its filter has the shape \(shape), expected four numbers of at least 1")
    }
    return shape
  }

  /// A filter as a weight of ours: a parameter, with its quantizer where the file has one.
  private mutating func filter(_ index: Int, permutation: [Int], shape: [Int]?, _ node: TensorFlowNode) throws(TensorFlowError) -> TensorName {
    switch try value(index, node) {
    case .constant(let tensor, let origin):
      let moved = tensor.transposed(permutation)
      return add(moved.reshaped(shape ?? moved.shape), named: origin, .parameter)
    case .quantized(let constant):
      let moved = constant.tensor.transposed(permutation)
      let weight = moved.reshaped(shape ?? moved.shape)
      var axis = constant.channelAxis(in: constant.tensor.shape).map { $0 < 0 ? -1 : permutation.firstIndex(of: $0) ?? -1 }
      // A depthwise filter's channels are two axes of the file's and one of ours.
      if axis != nil, shape != nil, constant.inner == 1, constant.quantizer.count == weight.shape[0] { axis = 0 }
      return try quantizer(constant, weight, axis: axis, node)
    default:
      let name = try plain(index, node)
      let moved = try emitHelper(Transpose(permutation: permutation), [name], "filter", node)
      return try shape.map { shape throws(TensorFlowError) in try emitHelper(Reshape(shape: shape), [moved], "filter", node) } ?? moved
    }
  }
}

/// What a SpaceToBatchND says of the dilated convolution behind it.
struct Dilation {
  var block: [Int]
  /// Top, bottom, left, right.
  var paddings: [Int]
}
