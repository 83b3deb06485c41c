import QATGraph
import QATImporting
import QATTensor

/// Builds a graph from a frozen graph, node by node.
///
/// Every tensor of the file has a `TensorFlowValue` here. Operators on values that are known at once are computed; the others become nodes of the graph. What
/// each operator means stands in `operators`, one table a family.
struct TensorFlowImporter {
  /// Imports one node: reads its inputs' values, then emits graph nodes or binds its outputs to values.
  typealias OperatorImporter = @Sendable (inout TensorFlowImporter, TensorFlowNode) throws(TensorFlowError) -> Void

  /// Importers by operator. A new family joins this list.
  static let operators: [String: OperatorImporter] = [
    sources, windows, products, activations, elementary, arithmetic, normalizations, reductions, layouts, movements, shapes, resizes, quantization,
  ]
  .reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }

  /// The graph so far.
  var assembly: GraphAssembly
  /// The file's nodes.
  let file: FrozenGraph
  /// The size in the file that stands for the batch, when the file has a fixed one.
  let literalBatch: Int?
  /// Shapes of inputs that the user gives.
  let inputShapes: [TensorName: [Dimension]]
  /// Batch normalisations that the file spells with several operators, by the name of the last one.
  let normalizationChains: [String: NormalizationChain]
  /// Results of convolutions and matrix products: a constant added to one is a bias, and trained.
  var productOutputs = Set<TensorName>()
  /// What a quantizer makes of a constant, by the constant's name: a layer that is used twice has one.
  var quantizedWeights: [TensorName: TensorName] = [:]
  /// What SpaceToBatchND says of the dilated convolutions behind it, by its name.
  var dilations: [String: Dilation] = [:]
  private let fileOutputs: Set<String>
  private var values: [String: TensorFlowValue] = [:]
  /// Tensors that were brought to another order, by their own name.
  private var transposed: [TensorName: TensorName] = [:]

  init(_ file: FrozenGraph, inputShapes: [TensorName: [Dimension]], foldingBudget: Int) throws(TensorFlowError) {
    self.file = file
    self.inputShapes = inputShapes
    fileOutputs = Set(file.outputs)
    assembly = GraphAssembly(name: "model", foldingBudget: foldingBudget)
    assembly.take(file.nodes.map(\.name))
    normalizationChains = NormalizationChain.all(in: file)
    literalBatch = try Self.literalBatch(file, given: inputShapes)
  }

  // MARK: Values

  /// What is known of the input at `index`.
  func value(_ index: Int, _ node: TensorFlowNode) throws(TensorFlowError) -> TensorFlowValue {
    let name = try node.input(index)
    guard let value = values[name] else { throw node.error("it reads '\(name)', which its maker does not make") }
    return value
  }

  /// What is known of a tensor of the file.
  func value(of name: String) -> TensorFlowValue? { values[name] }

  /// The input at `index` as a constant; nil when it is not known now.
  func constant(_ index: Int, _ node: TensorFlowNode) throws(TensorFlowError) -> Tensor? {
    guard case .constant(let tensor, _) = try value(index, node) else { return nil }
    return tensor
  }

  /// The input at `index` as whole numbers that are known now.
  func integers(_ index: Int, _ what: String, _ node: TensorFlowNode) throws(TensorFlowError) -> [Int] {
    var known = try value(index, node).integers?.known
    // Paddings are matrices.
    if case .constant(let tensor, _) = try value(index, node) { known = tensor.integers }
    guard let known else { throw node.unsupported("only with constant \(what) is") }
    if let bad = known.first(where: { abs($0) >= 1 << 40 }) { throw node.error("its \(what) hold \(bad)") }
    return known
  }

  /// The dimensions of the input at `index`, in the file's order.
  func dimensions(_ index: Int, _ node: TensorFlowNode) throws(TensorFlowError) -> [Dimension] {
    switch try value(index, node) {
    case .computed(let name, let layout): return layout.fileOrder(assembly.types[name]?.dimensions ?? [])
    case .constant(let tensor, _): return tensor.shape.map(Dimension.fixed)
    case .quantized(let constant): return constant.tensor.shape.map(Dimension.fixed)
    case .integers(let value): return value.isScalar ? [] : [.fixed(value.elements.count)]
    case .unavailable: throw node.error("the input '\(try node.input(index))' is not available")
    }
  }

  /// Whether the output `name` was made by an operator that is not supported.
  func isUnavailable(_ name: String) -> Bool { if case .unavailable = values[name] { true } else { false } }

  /// Whether the file returns what the node makes.
  func isFileOutput(_ node: TensorFlowNode) -> Bool { fileOutputs.contains(node.name) }

  /// Says what a tensor of the file is.
  mutating func bind(_ output: String, to value: TensorFlowValue, _ node: TensorFlowNode) throws(TensorFlowError) {
    guard values[output] == nil else { throw node.error("it makes the tensor '\(output)', which exists already") }
    var value = value
    if case .integers(let integers) = value, let tensor = integers.tensor { value = .constant(tensor, origin: output) }
    if case .constant(let tensor, _) = value {
      do throws(ShapeError) {
        try GraphAssembly.check(TensorType(tensor), of: output)
      } catch {
        throw node.error(error.description)
      }
    }
    values[output] = value
  }

  // MARK: Tensors of the graph

  /// Adds a node to the graph under a name that is free, with one output of the same name.
  mutating func append(_ op: any Operator, _ inputs: [TensorName], named name: String, _ node: TensorFlowNode) throws(TensorFlowError) {
    do throws(ShapeError) {
      try assembly.append(Node(name: name, op: op, inputs: inputs, outputs: [name]))
    } catch {
      throw node.error(error.description)
    }
  }

  /// Adds a node that makes an output of the file's node, the first unless said otherwise.
  mutating func emit(
    _ op: any Operator, _ inputs: [TensorName], _ layout: TensorFlowLayout, _ node: TensorFlowNode, output index: Int = 0
  ) throws(TensorFlowError) {
    var (name, layout) = (index == 0 ? node.name : assembly.uniqueName(node.output(index)), layout)
    // What the network returns in four dimensions is an image on both sides.
    let isImage = index == 0 && layout == .plain && isFileOutput(node) && (try? op.outputTypes(for: inputs.map { type(of: $0) }))?.first?.rank == 4
    if isImage { name = assembly.uniqueName("\(node.name)/channels_last") }
    try append(op, inputs, named: name, node)
    if isImage {
      try append(Transpose(permutation: TensorFlowLayout.toGraph(rank: 4)), [name], named: node.name, node)
      (name, layout) = (node.name, .channelsLast)
    }
    if op is Convolution || op is ConvolutionTranspose || op is MatMul { productOutputs.insert(name) }
    try bind(node.output(index), to: .computed(name, layout), node)
  }

  /// Adds a helper node whose output has a new name.
  /// - Returns: the output's name.
  mutating func emitHelper(_ op: any Operator, _ inputs: [TensorName], _ suffix: String, _ node: TensorFlowNode) throws(TensorFlowError)
    -> TensorName
  {
    let name = assembly.uniqueName("\(node.name)/\(suffix)")
    try append(op, inputs, named: name, node)
    return name
  }

  /// Lets an output of the node be another name of a tensor that exists; as an output of the network it becomes an Identity.
  mutating func alias(_ value: TensorFlowValue, _ node: TensorFlowNode, output index: Int = 0) throws(TensorFlowError) {
    guard case .computed(let source, let layout) = value, index == 0, isFileOutput(node) else {
      return try bind(node.output(index), to: value, node)
    }
    if case .flattened = layout { return try emit(Identity(), [try inFileOrder(source, layout, node)], .plain, node) }
    try emit(Identity(), [source], layout, node)
  }

  /// Adds a constant of the graph.
  mutating func add(_ tensor: Tensor, named name: String, _ role: Graph.Constant.Role) -> TensorName { assembly.add(tensor, named: name, role) }

  /// The type of a tensor of the graph.
  func type(of name: TensorName) -> TensorType { assembly.types[name] ?? TensorType([]) }

  // MARK: Order of elements

  /// The input at `index` in the file's own order. A constant joins the graph's constants in the role that is given.
  mutating func plain(_ index: Int, as role: Graph.Constant.Role = .fixed, _ node: TensorFlowNode) throws(TensorFlowError) -> TensorName {
    switch try value(index, node) {
    case .computed(let name, let layout): return try inFileOrder(name, layout, node)
    case .constant(let tensor, let origin): return add(tensor, named: origin, role)
    case .quantized(let constant): return try quantizer(constant, constant.tensor, axis: constant.channelAxis(in: constant.tensor.shape), node)
    case .integers: throw node.unsupported("the input '\(try node.input(index))' is a number made from shapes")
    case .unavailable: throw node.error("the input '\(try node.input(index))' is not available")
    }
  }

  /// The input at `index` as an image of ours, [batch, channels, ...].
  mutating func image(_ index: Int, _ node: TensorFlowNode) throws(TensorFlowError) -> TensorName {
    if case .computed(let name, .channelsLast) = try value(index, node) { return name }
    let name = try plain(index, node)
    let rank = type(of: name).rank
    guard (3...5).contains(rank) else { throw node.unsupported("only images of one to three spatial dimensions are, found \(type(of: name))") }
    return try reordered(name, Transpose(permutation: TensorFlowLayout.toGraph(rank: rank)), "channels_first", node)
  }

  /// A tensor of the graph in the file's order.
  mutating func inFileOrder(_ name: TensorName, _ layout: TensorFlowLayout, _ node: TensorFlowNode) throws(TensorFlowError) -> TensorName {
    switch layout {
    case .plain: return name
    case .channelsLast:
      return try reordered(name, Transpose(permutation: TensorFlowLayout.toFile(rank: type(of: name).rank)), "channels_last", node)
    case .flattened(let channels, let height, let width):
      if let known = transposed[name] { return known }
      let image = try emitHelper(Reshape(shape: [0, channels, height, width]), [name], "image", node)
      let moved = try emitHelper(Transpose(permutation: [0, 2, 3, 1]), [image], "channels_last", node)
      let rows = try emitHelper(Reshape(shape: [0, -1]), [moved], "rows", node)
      transposed[name] = rows
      return rows
    }
  }

  private mutating func reordered(_ name: TensorName, _ op: Transpose, _ suffix: String, _ node: TensorFlowNode) throws(TensorFlowError) -> TensorName
  {
    if let known = transposed[name] { return known }
    let result = assembly.uniqueName("\(name)/\(suffix)")
    try append(op, [name], named: result, node)
    transposed[name] = result
    return result
  }

  // MARK: Constants

  /// Takes `count` elements from what constant folding may make.
  mutating func spend(_ count: Int, _ node: TensorFlowNode) throws(TensorFlowError) {
    do throws(ShapeError) {
      try assembly.spend(count)
    } catch {
      throw node.error(error.description)
    }
  }

  /// Computes `op` when all inputs of the node that it reads are constants.
  /// - Returns: whether it was computed.
  mutating func fold(_ op: any Operator, _ inputs: Range<Int>, _ node: TensorFlowNode, output index: Int = 0) throws(TensorFlowError) -> Bool {
    var constants: [Tensor] = []
    var origin: TensorName?
    for input in inputs {
      guard case .constant(let tensor, let name) = try value(input, node) else { return false }
      constants.append(tensor)
      origin = origin ?? name
    }
    guard let result = try evaluated(op, constants, node) else { return false }
    // What is only moved or cast keeps the name of the constant.
    try bind(node.output(index), to: .constant(result, origin: inputs.count == 1 ? origin ?? node.name : node.name), node)
    return true
  }

  /// Computes an operator on constants.
  /// - Returns: its result; nil when it cannot be computed now.
  mutating func evaluated(_ op: any Operator, _ constants: [Tensor], _ node: TensorFlowNode) throws(TensorFlowError) -> Tensor? {
    do throws(ShapeError) {
      return try assembly.evaluate(op, constants)
    } catch {
      throw node.error(error.description)
    }
  }
}
