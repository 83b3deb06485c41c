import QATGraph
import QATLowering
import QATTensor

/// Writes a network node by node, images as NHWC: the file's tensors keep the order that suits TensorFlow's operators, and a transposition is added only
/// where an operator needs the graph's own.
struct TensorFlowWriter {
  var builder = GraphDefBuilder()
  /// The network, and with quantizers the integers it stands for.
  let graph: Graph
  let lowered: LoweredGraph?
  let types: [TensorName: TensorType]
  let producers: [TensorName: Int]
  let consumers: [TensorName: [Graph.Use]]
  /// Node names by the tensor that the node makes.
  private var fileNames: [TensorName: String] = [:]
  /// What stands in the file so far, and in what order.
  private var written: [TensorName: (reference: String, layout: TensorFlowLayout)] = [:]
  /// Constants that were written, by their name and a word for their form.
  private var constants: [String: String] = [:]
  /// Tensors that were written in another order.
  private var reordered: [String: String] = [:]
  /// Whether outputs get nodes of their own at the end, because others read them or they are in another order.
  private let handsOutputsOn: Bool
  private var batch: String?

  init(_ graph: Graph, _ lowered: LoweredGraph?) throws(TensorFlowError) {
    self.graph = graph
    self.lowered = lowered
    do throws(GraphError) {
      types = try graph.validated().tensorTypes()
    } catch {
      throw TensorFlowError(node: error.node, error.reason)
    }
    producers = graph.producers
    consumers = graph.consumers
    let places = graph.outputs.map { [producers] in producers[$0] ?? -1 }
    handsOutputsOn = graph.outputs.contains { [producers, consumers] in consumers[$0] != nil || producers[$0] == nil } || places != places.sorted()
    // What users know by name comes first, so that it keeps its name.
    for input in graph.inputs { fileNames[input.name] = builder.uniqueName(input.name) }
    if handsOutputsOn { for output in graph.outputs { outputNames[output] = builder.uniqueName(output) } }
    for tensor in graph.nodes.flatMap(\.outputs) { fileNames[tensor] = builder.uniqueName(tensor) }
    for tensor in graph.constants.keys.sorted() { fileNames[tensor] = builder.uniqueName(tensor) }
  }

  private var outputNames: [TensorName: String] = [:]

  // MARK: The walk

  /// Adds the inputs.
  /// - Parameter metadata: strings that the first input carries.
  mutating func writeInputs(metadata: [String: String]) {
    for (index, input) in graph.inputs.enumerated() {
      let layout: TensorFlowLayout = input.type.rank == 4 && input.type.elementType == .float32 ? .channelsLast : .plain
      let name = fileName(of: input.name)
      let notes = index > 0 ? [] : metadata.sorted { $0.key < $1.key }.map { TFAttrEntry.string(TensorFlowFile.metadataPrefix + $0.key, $0.value) }
      let shape = layout.fileOrder(input.type.dimensions)
      builder.node("Placeholder", name: name, [], [.type("dtype", input.type.elementType.tensorFlowType), .shape("shape", shape)] + notes)
      written[input.name] = (name, layout)
    }
  }

  /// Adds a node of the network.
  /// - Throws: `TensorFlowError` for what TensorFlow cannot say.
  mutating func write(_ node: Node) throws(TensorFlowError) {
    guard let op = node.op as? any TensorFlowWritable else { throw unsupported(node, "the operator \(node.type) has no TensorFlow spelling") }
    try op.write(node, to: &self)
  }

  /// Adds what hands the outputs on, when they need it.
  mutating func writeOutputs() throws(TensorFlowError) {
    guard handsOutputsOn else { return }
    for output in graph.outputs {
      let reference = written[output]?.layout == .channelsLast ? try image(output) : try plain(output)
      let type = types[output]?.elementType ?? .float32
      builder.node("Identity", name: outputNames[output] ?? output, [reference], [.type("T", type.tensorFlowType)])
    }
  }

  func unsupported(_ node: Node, _ reason: String) -> TensorFlowError { TensorFlowError(node: node.name, reason) }

  // MARK: Names and types

  /// The name of the node that makes a tensor.
  func fileName(of tensor: TensorName) -> String { fileNames[tensor] ?? tensor }

  func type(of tensor: TensorName) -> TensorType { types[tensor] ?? TensorType([]) }

  /// The order in which a tensor is in the file; constants have none of their own.
  func layout(of tensor: TensorName) -> TensorFlowLayout? { written[tensor]?.layout }

  /// Whether the tensor's order in the file is seen from outside.
  func isOutput(_ tensor: TensorName) -> Bool { graph.outputs.contains(tensor) }

  // MARK: Adding nodes

  /// Adds a node that makes the output of `node`.
  mutating func emit(_ type: String, _ inputs: [String], _ layout: TensorFlowLayout, _ node: Node, _ attributes: [TFAttrEntry] = []) {
    let (output, name) = (node.outputs[0], fileName(of: node.outputs[0]))
    // What the network returns in four dimensions is an image on both sides.
    guard layout == .plain, isOutput(output), self.type(of: output).rank == 4 else {
      builder.node(type, name: name, inputs, attributes)
      written[output] = (name, layout)
      return
    }
    let plain = helper(type, inputs, "channels_first", node, attributes)
    let order = integers(TensorFlowLayout.toFile(rank: 4), "perm", node)
    let element = self.type(of: output).elementType.tensorFlowType
    builder.node("Transpose", name: name, [plain, order], [.type("T", element), .type("Tperm", .dtInt32)])
    written[output] = (name, .channelsLast)
  }

  /// Adds a node on float32 tensors that makes the output of `node`.
  mutating func emitFloat(_ type: String, _ inputs: [String], _ layout: TensorFlowLayout, _ node: Node, _ attributes: [TFAttrEntry] = []) {
    emit(type, inputs, layout, node, [.type("T", .dtFloat)] + attributes)
  }

  /// Adds a helper node under a new name.
  /// - Returns: the name.
  mutating func helper(_ type: String, _ inputs: [String], _ suffix: String, _ node: Node, _ attributes: [TFAttrEntry]) -> String {
    let name = builder.uniqueName("\(node.name)/\(suffix)")
    builder.node(type, name: name, inputs, attributes)
    return name
  }

  /// Adds a helper node on float32 tensors under a new name.
  mutating func floatHelper(_ type: String, _ inputs: [String], _ suffix: String, _ node: Node, _ attributes: [TFAttrEntry] = []) -> String {
    helper(type, inputs, suffix, node, [.type("T", .dtFloat)] + attributes)
  }

  /// Adds a constant under a new name.
  mutating func constant(_ tensor: Tensor, _ suffix: String, _ node: Node) -> String {
    let name = builder.uniqueName("\(node.name)/\(suffix)")
    builder.constant(tensor, name: name)
    return name
  }

  /// Adds a vector of whole numbers.
  mutating func integers(_ values: [Int], _ suffix: String, _ node: Node) -> String {
    constant(Tensor(shape: [values.count], elements: .int32(values.map { Int32(clamping: $0) })), suffix, node)
  }

  /// Adds a number.
  mutating func number(_ value: Float, _ suffix: String, _ node: Node) -> String { constant(Tensor([value], shape: []), suffix, node) }

  /// Adds a constant of the network, arranged for its reader, under its own name; once for each arrangement, which `form` is a word for.
  mutating func constant(_ name: TensorName, _ form: String, _ arrange: (Tensor) -> Tensor) -> String {
    let key = "\(form) \(name)"
    if let known = constants[key] { return known }
    let isFirst = written[name] == nil
    let fileName = isFirst ? fileName(of: name) : builder.uniqueName(name)
    builder.constant(arrange(graph.tensor(name) ?? Tensor([], shape: [0])), name: fileName)
    constants[key] = fileName
    if isFirst { written[name] = (fileName, .plain) }
    return fileName
  }

  /// Remembers what a constant became behind further nodes.
  mutating func remember(_ reference: String, _ name: TensorName, _ form: String) { constants["\(form) \(name)"] = reference }

  /// What `remember` was told.
  func remembered(_ name: TensorName, _ form: String) -> String? { constants["\(form) \(name)"] }

  // MARK: Order of elements

  /// A tensor in the graph's own order.
  mutating func plain(_ tensor: TensorName) throws(TensorFlowError) -> String {
    if graph.constants[tensor] != nil { return constant(tensor, "plain") { $0 } }
    guard let (reference, layout) = written[tensor] else { throw TensorFlowError("the tensor '\(tensor)' is not written yet") }
    let type = type(of: tensor)
    switch layout {
    case .plain: return reference
    case .channelsLast: return transposed(reference, TensorFlowLayout.toGraph(rank: type.rank), type.elementType, "channels_first")
    case .flattened(let channels, let height, let width):
      let key = "\(reference)/rows"
      if let known = reordered[key] { return known }
      let image = reshaped(reference, [-1, height, width, channels], type.elementType, "\(reference)/image")
      let moved = transposed(image, [0, 3, 1, 2], type.elementType, "channels_first")
      let rows = reshaped(moved, [-1, channels * height * width], type.elementType, key)
      reordered[key] = rows
      return rows
    }
  }

  /// A tensor with its channels last.
  mutating func image(_ tensor: TensorName) throws(TensorFlowError) -> String {
    let type = type(of: tensor)
    if graph.constants[tensor] != nil { return constant(tensor, "image") { $0.transposed(TensorFlowLayout.toFile(rank: type.rank)) } }
    if let (reference, layout) = written[tensor], layout == .channelsLast { return reference }
    return transposed(try plain(tensor), TensorFlowLayout.toFile(rank: type.rank), type.elementType, "channels_last")
  }

  private mutating func transposed(_ reference: String, _ permutation: [Int], _ type: ElementType, _ suffix: String) -> String {
    let key = "\(reference)/\(suffix)"
    if let known = reordered[key] { return known }
    let name = builder.uniqueName(key)
    let order = builder.uniqueName("\(name)/perm")
    builder.constant(Tensor(shape: [permutation.count], elements: .int32(permutation.map(Int32.init))), name: order)
    builder.node("Transpose", name: name, [reference, order], [.type("T", type.tensorFlowType), .type("Tperm", .dtInt32)])
    reordered[key] = name
    return name
  }

  private mutating func reshaped(_ reference: String, _ shape: [Int], _ type: ElementType, _ candidate: String) -> String {
    let name = builder.uniqueName(candidate)
    let target = builder.uniqueName("\(name)/shape")
    builder.constant(Tensor(shape: [shape.count], elements: .int32(shape.map(Int32.init))), name: target)
    builder.node("Reshape", name: name, [reference, target], [.type("T", type.tensorFlowType), .type("Tshape", .dtInt32)])
    return name
  }

  // MARK: The batch

  /// A tensor that holds `dimensions`: a constant, or where the batch is among them, put together when the graph runs.
  mutating func shape(_ dimensions: [QATGraph.Dimension], _ node: Node) throws(TensorFlowError) -> String {
    let sizes = dimensions.compactMap(\.fixedSize)
    if sizes.count == dimensions.count { return integers(sizes, "shape", node) }
    var parts: [String] = []
    for dimension in dimensions {
      switch dimension {
      case .fixed(let size): parts.append(constant(Tensor(shape: [], elements: .int32([Int32(clamping: size)])), "size", node))
      case .batch(let multiple):
        var part = try batchSize(node)
        if multiple != 1 {
          let factor = constant(Tensor(shape: [], elements: .int32([Int32(clamping: multiple)])), "multiple", node)
          part = helper("Mul", [part, factor], "batch", node, [.type("T", .dtInt32)])
        }
        parts.append(part)
      }
    }
    return helper("Pack", parts, "shape", node, [.int("N", parts.count), .type("T", .dtInt32), .int("axis", 0)])
  }

  private mutating func batchSize(_ node: Node) throws(TensorFlowError) -> String {
    if let batch { return batch }
    guard let input = graph.inputs.first(where: { $0.type.dimensions.first == .batch }) else {
      throw unsupported(node, "its shape depends on the batch size, which no input of the network has first")
    }
    let shape = helper(
      "Shape", [fileName(of: input.name)], "input_shape", node, [.type("T", input.type.elementType.tensorFlowType), .type("out_type", .dtInt32)])
    let bounds = [integers([0], "begin", node), integers([1], "end", node), integers([1], "strides", node)]
    let size = helper(
      "StridedSlice", [shape] + bounds, "batch_size", node, [.type("Index", .dtInt32), .type("T", .dtInt32), .int("shrink_axis_mask", 1)])
    batch = size
    return size
  }
}
