import QATGraph
import QATTensor

/// Convolutions and poolings.
extension ONNXImporter {
  static let windows: [String: OperatorImporter] = [
    "Conv": convolution, "MaxPool": maxPool, "AveragePool": averagePool,
    "GlobalAveragePool": { importer, node throws(ONNXError) in
      try importer.emit(GlobalAveragePool(), [try importer.tensor(0, "X", node)], node)
    },
  ]

  private static func convolution(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    var inputs = [try importer.tensor(0, "X", node), try importer.tensor(1, "W", as: .parameter, node)]
    if node.input(2) != nil { inputs.append(try importer.tensor(2, "B", as: .parameter, node)) }
    guard let weight = importer.types[inputs[1]], weight.rank == 4 else {
      throw node.unsupported("only convolutions over two spatial dimensions are")
    }
    let window = try importer.window(of: inputs[0], kernel: weight.dimensions[2...].compactMap(\.fixedSize), node)
    let groups = try node.int("group", default: 1)
    guard (1...limit).contains(groups) else { throw node.error("it has \(groups) groups") }
    try importer.emit(Convolution(window: window, groups: groups), inputs, node)
  }

  private static func maxPool(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try importer.tensor(0, "X", node)
    try importer.emit(MaxPool(window: try importer.window(of: x, kernel: nil, node)), [x], node)
  }

  private static func averagePool(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try importer.tensor(0, "X", node)
    let window = try importer.window(of: x, kernel: nil, node)
    try importer.emit(AveragePool(window: window, countsPadding: try node.flag("count_include_pad", default: false)), [x], node)
  }

  // No window of a real network comes near it; products of three such numbers still fit an integer.
  private static let limit = 1 << 20

  /// The window that the node's attributes describe, with `auto_pad` resolved for the size of `x`.
  ///
  /// `kernel` is the kernel's size when the weight tells it; otherwise `kernel_shape` must.
  private func window(of x: TensorName, kernel: [Int]?, _ node: ONNXImportNode) throws(ONNXError) -> Window {
    guard let image = types[x], image.rank == 4 else {
      throw node.unsupported("only images [batch, channels, height, width] are, found \(types[x].map(\.description) ?? x)")
    }
    guard let kernel = try node.ints("kernel_shape") ?? kernel else { throw node.error("\(node.type) needs the attribute 'kernel_shape'") }
    var window = Window(
      kernel: kernel, strides: try node.ints("strides") ?? [1, 1], pads: try node.ints("pads") ?? [0, 0, 0, 0],
      dilations: try node.ints("dilations") ?? [1, 1], roundsUp: try node.flag("ceil_mode", default: false))
    for (name, values, count, least) in [
      ("kernel_shape", window.kernel, 2, 1), ("strides", window.strides, 2, 1), ("dilations", window.dilations, 2, 1), ("pads", window.pads, 4, 0),
    ] {
      guard values.count == count, values.allSatisfy({ (least...Self.limit).contains($0) }) else {
        throw node.error("the attribute '\(name)' is \(values.prefix(8)), expected \(count) numbers of at least \(least)")
      }
    }
    switch try node.string("auto_pad") ?? "NOTSET" {
    case "NOTSET", "": break
    case "VALID": window.pads = [0, 0, 0, 0]
    case let mode where mode == "SAME_UPPER" || mode == "SAME_LOWER":
      for axis in 0..<2 {
        guard let size = image.dimensions[axis + 2].fixedSize else { throw node.error("auto_pad \(mode) needs a fixed image size") }
        // The output has ⌈size / stride⌉ positions; what the last one reaches beyond the image is padded, the odd one at the end (UPPER) or beginning.
        let positions = (size + window.strides[axis] - 1) / window.strides[axis]
        let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
        let total = max((positions - 1) * window.strides[axis] + reach - size, 0)
        window.pads[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
        window.pads[axis + 2] = total - window.pads[axis]
      }
    case let mode: throw node.error("the attribute 'auto_pad' is '\(mode)', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID")
    }
    return window
  }
}
