import QATGraph
import QATTensor

/// Convolutions and poolings.
extension ONNXImporter {
  static let windows: [String: OperatorImporter] = [
    "Conv": convolution,
    "ConvTranspose": convolutionTranspose,
    "MaxPool": maxPool,
    "AveragePool": averagePool,
    "LpPool": { importer, node throws(ONNXError) in
      let x = try importer.tensor(0, "X", node)
      try importer.emit(LpPool(window: try importer.window(of: x, kernel: nil, node), p: try node.int("p", default: 2)), [x], node)
    },
    "GlobalAveragePool": pointwise { _ in GlobalAveragePool() },
    "GlobalMaxPool": pointwise { _ in GlobalMaxPool() },
  ]

  private static func convolution(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    var inputs = [try importer.tensor(0, "X", node), try importer.tensor(1, "W", as: .parameter, node)]
    if node.input(2) != nil { inputs.append(try importer.tensor(2, "B", as: .parameter, node)) }
    let window = try importer.window(of: inputs[0], kernel: importer.kernel(of: inputs[1]), node)
    try importer.emit(Convolution(window: window, groups: try groups(node)), inputs, node)
  }

  private static func convolutionTranspose(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    var inputs = [try importer.tensor(0, "X", node), try importer.tensor(1, "W", as: .parameter, node)]
    if node.input(2) != nil { inputs.append(try importer.tensor(2, "B", as: .parameter, node)) }
    var window = try importer.windowAttributes(of: inputs[0], kernel: importer.kernel(of: inputs[1]), node)
    let rank = window.kernel.count
    var padding = try node.ints("output_padding") ?? window.kernel.map { _ in 0 }
    guard padding.count == rank, padding.allSatisfy({ (0...limit).contains($0) }) else {
      throw node.error("the attribute 'output_padding' is \(padding.prefix(8)), expected \(rank) numbers of at least 0")
    }
    let mode = try node.string("auto_pad") ?? "NOTSET"
    if mode == "VALID" { window.pads = window.pads.map { _ in 0 } }
    let isSame = ["SAME_UPPER", "SAME_LOWER"].contains(mode)
    let target = try node.ints("output_shape").map { Array($0.suffix(rank)) }
    if target != nil || isSame {
      let sizes = importer.types[inputs[0]]?.dimensions.dropFirst(2).compactMap(\.fixedSize) ?? []
      guard sizes.count == rank, target.map({ $0.count == rank && $0.allSatisfy { (1...limit).contains($0) } }) ?? true else {
        throw node.error("auto_pad and output_shape need a fixed image size, and output_shape \(rank) numbers; found \(target ?? [])")
      }
      for axis in 0..<rank where sizes[axis] <= limit {
        // The result's size is given: what the windows cover beyond it is cut off, and what they do not reach is padding at the end.
        let wanted = target?[axis] ?? sizes[axis] * window.strides[axis]
        let covered = window.strides[axis] * (sizes[axis] - 1) + (window.kernel[axis] - 1) * window.dilations[axis] + 1
        let total = max(covered + padding[axis] - wanted, 0)
        padding[axis] = max(wanted - covered + total, 0)
        window.pads[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
        window.pads[axis + rank] = total - window.pads[axis]
      }
    }
    try importer.emit(ConvolutionTranspose(window: window, groups: try groups(node), outputPadding: padding), inputs, node)
  }

  private static func groups(_ node: ONNXImportNode) throws(ONNXError) -> Int {
    let groups = try node.int("group", default: 1)
    guard (1...limit).contains(groups) else { throw node.error("it has \(groups) groups") }
    return groups
  }

  /// The spatial size of a weight.
  private func kernel(of weight: TensorName) -> [Int]? { types[weight].map { $0.dimensions.dropFirst(2).compactMap(\.fixedSize) } }

  private static func maxPool(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try importer.tensor(0, "X", node)
    let window = try importer.window(of: x, kernel: nil, node)
    // A maximum over one element stands in files for the sake of runtimes.
    if !node.hasOutput(1), window.isOneElement { return try importer.alias(x, node) }
    guard node.hasOutput(1) else { return try importer.emit(MaxPool(window: window), [x], node) }
    let isColumnMajor = try node.flag("storage_order", default: false)
    try importer.emit(MaxPool(window: window, places: isColumnMajor ? .columnMajor : .rowMajor), [x], node, outputs: 2)
  }

  private static func averagePool(_ importer: inout ONNXImporter, _ node: ONNXImportNode) throws(ONNXError) {
    let x = try importer.tensor(0, "X", node)
    let window = try importer.window(of: x, kernel: nil, node)
    try importer.emit(AveragePool(window: window, countsPadding: try node.flag("count_include_pad", default: false)), [x], node)
  }

  // No window of a real network comes near it; products of three such numbers still fit an integer.
  private static let limit = 1 << 20

  /// The window that the node's attributes describe, pads as they are given.
  ///
  /// `kernel` is the kernel's size when the weight tells it; otherwise `kernel_shape` must.
  private func windowAttributes(of x: TensorName, kernel: [Int]?, _ node: ONNXImportNode) throws(ONNXError) -> Window {
    guard let image = types[x], (3...5).contains(image.rank) else {
      throw node.unsupported("only images [batch, channels, ...] of one to three spatial dimensions are, found \(types[x].map(\.description) ?? x)")
    }
    guard let kernel = try node.ints("kernel_shape") ?? kernel else { throw node.error("\(node.type) needs the attribute 'kernel_shape'") }
    let rank = image.rank - 2
    let ones = [Int](repeating: 1, count: rank)
    let window = Window(
      kernel: kernel, strides: try node.ints("strides") ?? ones, pads: try node.ints("pads") ?? [Int](repeating: 0, count: 2 * rank),
      dilations: try node.ints("dilations") ?? ones, roundsUp: try node.flag("ceil_mode", default: false))
    for (name, values, count, least) in [
      ("kernel_shape", window.kernel, rank, 1), ("strides", window.strides, rank, 1), ("dilations", window.dilations, rank, 1),
      ("pads", window.pads, 2 * rank, 0),
    ] {
      guard values.count == count, values.allSatisfy({ (least...Self.limit).contains($0) }) else {
        throw node.error("the attribute '\(name)' is \(values.prefix(8)), expected \(count) numbers of at least \(least)")
      }
    }
    let mode = try node.string("auto_pad") ?? ""
    guard ["", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(mode) else {
      throw node.error("the attribute 'auto_pad' is '\(mode)', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID")
    }
    return window
  }

  /// The same with `auto_pad` resolved for the size of `x`.
  private func window(of x: TensorName, kernel: [Int]?, _ node: ONNXImportNode) throws(ONNXError) -> Window {
    var window = try windowAttributes(of: x, kernel: kernel, node)
    let mode = try node.string("auto_pad") ?? "NOTSET"
    if mode == "VALID" { window.pads = window.pads.map { _ in 0 } }
    guard ["SAME_UPPER", "SAME_LOWER"].contains(mode), let image = types[x] else { return window }
    let rank = window.kernel.count
    for axis in 0..<rank {
      guard let size = image.dimensions[axis + 2].fixedSize else { throw node.error("auto_pad \(mode) needs a fixed image size") }
      // The output has ⌈size / stride⌉ positions; what the last one reaches beyond the image is padded, the odd one at the end (UPPER) or beginning.
      let positions = (size + window.strides[axis] - 1) / window.strides[axis]
      let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      let total = max((positions - 1) * window.strides[axis] + reach - size, 0)
      window.pads[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
      window.pads[axis + rank] = total - window.pads[axis]
    }
    return window
  }
}

extension Window {
  /// Whether every window is one element, and every element has one.
  fileprivate var isOneElement: Bool { kernel.allSatisfy { $0 == 1 } && strides.allSatisfy { $0 == 1 } && pads.allSatisfy { $0 == 0 } }
}
