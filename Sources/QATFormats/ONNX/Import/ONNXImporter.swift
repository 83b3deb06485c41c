import QATGraph
import QATImporting
import QATTensor

/// Builds a graph from an ONNX model, node by node in the file's order.
///
/// Every tensor of the file has an `ONNXValue` here. Operators on values that are known at once are computed (constants, shape arithmetic); the others
/// become nodes of the graph. What each operator type means stands in `operators`, one table a family.
struct ONNXImporter {
  /// Imports one node: reads its inputs' values, then emits graph nodes or binds its outputs to values.
  typealias OperatorImporter = @Sendable (inout ONNXImporter, ONNXImportNode) throws(ONNXError) -> Void

  /// Importers by operator type, or by `domain::type` outside ONNX's own domain. A new family joins this list.
  static let operators: [String: OperatorImporter] = [
    windows,
    activations,
    normalizations,
    resizes,
    elementary,
    arithmetic,
    reductions,
    matrixProducts,
    einsums,
    attention,
    layout,
    constants,
    shapes,
    movements,
    selections,
    scatterings,
    quantization,
    fakeQuantizers,
  ]
  .reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }

  /// The graph so far.
  var assembly: GraphAssembly
  /// The size in the file that stands for the batch, when the file has a fixed one.
  let literalBatch: Int?

  private var values: [String: ONNXValue] = [:]
  private var initializers: [String: ONNXTensorProto] = [:]
  private let external: ONNXExternalData
  private let fileOutputs: Set<String>
  /// Results of MatMul: a constant added to one is a bias.
  var products = Set<TensorName>()
  /// What a DequantizeLinear made of integers, by their name: its twins for other readers share it.
  var dequantized: [TensorName: TensorName] = [:]

  /// On which codes tensors of the graph lie: fake quantizers' outputs, and what only moves or selects their elements.
  var grids: [TensorName: ONNXCodeSpan] = [:]
  /// What integers of four bits can be, by their tensors' names: they are kept as bytes.
  var fourBitRanges: [String: ClosedRange<Int>] = [:]
  /// Under which names dequantized integers join the graph, by the tensor that a DequantizeLinear makes: theirs in the file.
  var names: [TensorName: TensorName] = [:]

  /// Tensors behind nodes that were refused.
  var assumed = Set<String>()
  /// What the file states of tensors between its nodes, and of its outputs.
  let stated: [String: ONNXValueInfoProto]
  /// What the file calls the batch.
  let batchNames: Set<String>

  /// The graph so far.
  var graph: Graph { assembly.graph }

  /// Types of the graph's tensors so far.
  var types: [TensorName: TensorType] { assembly.types }

  /// An importer that knows the inputs and initializers of `file` and none of its nodes.
  init(
    _ file: ONNXGraphProto, external: ONNXExternalData, inputShapes: [TensorName: [Dimension]], foldingBudget: Int
  ) throws(ONNXError) {
    self.external = external
    fileOutputs = Set(file.output.map(\.name))
    stated = Dictionary((file.valueInfo + file.output).map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    batchNames = Set(
      file.input.compactMap { if case .dimParam(let name) = $0.type.tensorType.shape.dim.first?.value, !name.isEmpty { name } else { nil } })
    assembly = GraphAssembly(name: file.name, foldingBudget: foldingBudget)
    for tensor in file.initializer {
      guard !tensor.name.isEmpty else { throw ONNXError("an initializer has no name") }
      if initializers.updateValue(tensor, forKey: tensor.name) != nil { throw ONNXError(tensor: tensor.name, "two initializers have this name") }
    }
    if let sparse = file.sparseInitializer.first {
      throw ONNXError(tensor: sparse.values.name, "sparse initializers are not supported; store it densely")
    }
    // Old files list initializers among the inputs.
    let inputs = file.input.filter { [initializers] in initializers[$0.name] == nil }
    if let unknown = inputShapes.keys.sorted().first(where: { name in !inputs.contains { $0.name == name } }) {
      throw ONNXError(tensor: unknown, "a shape is given for it, but the inputs are \(inputs.map(\.name))")
    }
    // A shape that is given may fix what the file calls the batch.
    literalBatch = Self.literalBatch(inputs.filter { inputShapes[$0.name]?.first?.fixedSize == nil })
    assembly.take(initializers.keys)
    for node in file.node { assembly.take(node.output) }
    for input in inputs {
      let type = try Self.type(of: input, literalBatch: literalBatch, given: inputShapes[input.name])
      guard values.updateValue(.computed(input.name), forKey: input.name) == nil else {
        throw ONNXError(tensor: input.name, "two inputs have this name")
      }
      assembly.add(Graph.Input(name: input.name, type: type))
    }
  }

  /// What is known of the tensor `name` of the file.
  /// - Throws: `ONNXError` when nothing has made it so far, or a node that was refused.
  mutating func value(_ name: String, _ node: ONNXImportNode) throws(ONNXError) -> ONNXValue {
    if let value = values[name] {
      if case .unavailable = value { throw node.error("the input '\(name)' is not available") }
      return value
    }
    guard let proto = initializers[name] else { throw node.error("it reads the tensor '\(name)', which nothing before it makes") }
    let tensor = try decoded(proto)
    fourBitRanges[name] = proto.fourBitRange
    // What lies beside the file belongs to its size as well.
    if proto.dataLocation == .external { assembly.foldingBudget += tensor.count }
    let value = ONNXValue.constant(tensor)
    values[name] = value
    return value
  }

  /// The value of the input at `index`, or nil when the input is absent.
  mutating func inputValue(_ index: Int, _ node: ONNXImportNode) throws(ONNXError) -> ONNXValue? {
    guard let name = node.input(index) else { return nil }
    return try value(name, node)
  }

  /// The input at `index` as a constant; nil when it is absent or not known now.
  mutating func constant(_ index: Int, _ node: ONNXImportNode) throws(ONNXError) -> Tensor? {
    guard case .constant(let tensor) = try inputValue(index, node) else { return nil }
    return tensor
  }

  /// The value of a tensor that stands in the file: an initializer or a node's attribute.
  func decoded(_ tensor: ONNXTensorProto) throws(ONNXError) -> Tensor { try tensor.decoded(external) }

  /// Whether something has made the tensor `name` so far.
  func isKnown(_ name: String) -> Bool { values[name] != nil }

  /// The value of a tensor that is known without running the network; nil for others.
  func knownValue(_ name: String) -> Tensor? {
    if case .constant(let tensor) = values[name] { tensor } else { nil }
  }

  /// Says that a known tensor of the file is something else from now on.
  mutating func replaceValue(of name: String, by value: ONNXValue) { values[name] = value }

  /// Whether running the network makes the tensor `name`.
  func isComputed(_ name: String) -> Bool {
    switch values[name] {
    case .computed, .codes: true
    default: false
    }
  }

  /// Whether the file returns the tensor `name`.
  func isFileOutput(_ name: String) -> Bool { fileOutputs.contains(name) }

  /// Says what the tensor `name` of the file is.
  /// - Throws: `ONNXError` when something made it before.
  mutating func bind(_ name: String, to value: ONNXValue, _ node: ONNXImportNode) throws(ONNXError) {
    guard values[name] == nil, initializers[name] == nil else { throw node.error("it makes the tensor '\(name)', which exists already") }
    var value = value
    if case .integers(let integers) = value, let tensor = integers.tensor { value = .constant(tensor) }
    if case .constant(let tensor) = value {
      do throws(ShapeError) {
        try GraphAssembly.check(TensorType(tensor), of: name)
      } catch {
        throw node.error(error.description)
      }
    }
    values[name] = value
  }

  /// The graph's name for the input at `index`; a constant joins the graph's constants under its name in the file.
  ///
  /// `role` is what training does with the tensor if it is a constant. One that is needed in two roles is copied, since file writers share equal ones.
  /// An input that is absent, or an integer that depends on the batch, is an error.
  mutating func tensor(_ index: Int, _ what: String, as role: Graph.Constant.Role = .fixed, _ node: ONNXImportNode) throws(ONNXError) -> TensorName {
    let name = try node.requiredInput(index, what)
    switch try value(name, node) {
    case .computed(let tensor): return tensor
    case .constant(let tensor): return add(tensor, named: names[name] ?? name, role)
    case .integers, .sampleIndices: throw node.unsupported("the input '\(name)' is a number made from shapes")
    case .sequence: throw node.unsupported("the input '\(name)' is a sequence of tensors")
    case .codes: throw node.unsupported("the input '\(name)' is an integer between QuantizeLinear and DequantizeLinear, only Clip may stand there")
    case .unavailable: throw node.error("the input '\(name)' is not available")
    }
  }

  /// Adds a constant under `name`, or under a new name when that one holds another value or plays another role.
  /// - Returns: the name it has.
  mutating func add(_ tensor: Tensor, named name: String, _ role: Graph.Constant.Role) -> TensorName { assembly.add(tensor, named: name, role) }

  /// A name nothing in the file or the graph has.
  mutating func uniqueName(_ candidate: String) -> String { assembly.uniqueName(candidate) }

  /// Adds a node to the graph that stands for `node` and makes its first outputs.
  mutating func emit(_ op: any Operator, _ inputs: [TensorName], _ node: ONNXImportNode, outputs count: Int) throws(ONNXError) {
    let outputs = Array(node.outputs.prefix(count))
    try append(Node(name: node.name, op: op, inputs: inputs, outputs: outputs), node)
    for output in outputs { try bind(output, to: .computed(output), node) }
  }

  /// Adds a node to the graph that stands for `node` and makes one of its outputs, the first unless said otherwise.
  /// - Throws: `ONNXError` when the operator cannot take the inputs.
  mutating func emit(_ op: any Operator, _ inputs: [TensorName], _ node: ONNXImportNode, output index: Int = 0) throws(ONNXError) {
    if let result = Self.convertedResult(of: op, inputs.compactMap { types[$0]?.elementType }) {
      return try emitConverted(op, inputs, to: result, node, output: index)
    }
    let output = node.outputs[index]
    let name = index == 0 ? node.name : uniqueName("\(node.name)/\(index)")
    try append(Node(name: name, op: op, inputs: inputs, outputs: [output]), node)
    try bind(output, to: .computed(output), node)
  }

  /// Adds a helper node whose output has a new name.
  /// - Returns: the output's name.
  mutating func emitHelper(_ op: any Operator, _ inputs: [TensorName], _ suffix: String, _ node: ONNXImportNode) throws(ONNXError) -> TensorName {
    let name = uniqueName("\(node.name)/\(suffix)")
    try append(Node(name: name, op: op, inputs: inputs, outputs: [name]), node)
    return name
  }

  /// Adds a helper node that makes the node's further output at `index`, under its name in the file.
  mutating func emitHelper(_ op: any Operator, _ inputs: [TensorName], output index: Int, _ node: ONNXImportNode) throws(ONNXError) {
    let output = node.outputs[index]
    try append(Node(name: uniqueName("\(node.name)/\(index)"), op: op, inputs: inputs, outputs: [output]), node)
    try bind(output, to: .computed(output), node)
  }

  /// Lets an output of the node, the first unless said otherwise, be another name of the graph's tensor `source`; as an output of the network it becomes an
  /// Identity.
  mutating func alias(_ source: TensorName, _ node: ONNXImportNode, output index: Int = 0) throws(ONNXError) {
    if isFileOutput(node.outputs[index]) {
      try emit(Identity(), [source], node, output: index)
    } else {
      try bind(node.outputs[index], to: .computed(source), node)
    }
  }

  private mutating func append(_ graphNode: Node, _ node: ONNXImportNode) throws(ONNXError) {
    if let span = movedSpan(graphNode) { grids[graphNode.outputs[0]] = span }
    do throws(ShapeError) {
      try assembly.append(graphNode)
    } catch {
      throw node.error(error.description)
    }
  }

  /// Takes `count` elements from what constant folding may make.
  mutating func spend(_ count: Int, _ node: ONNXImportNode) throws(ONNXError) {
    do throws(ShapeError) {
      try assembly.spend(count)
    } catch {
      throw node.error(error.description)
    }
  }
}
