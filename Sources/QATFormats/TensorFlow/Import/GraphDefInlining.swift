/// Writes the functions of a graph's library out: a frozen Keras model keeps some of its layers, such as grouped convolutions, as calls.
struct GraphDefInlining {
  /// The operators that call a function.
  static let calls = ["PartitionedCall", "StatefulPartitionedCall"]

  private let graph: TFGraphDef
  private let functions: [String: TFFunctionDef]
  /// Nodes that may still be written: what calls of calls could make of a small file is bounded.
  private var budget = 1 << 20

  init(_ graph: TFGraphDef) {
    self.graph = graph
    functions = Dictionary(graph.library.function.map { ($0.signature.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The nodes of the graph without calls.
  /// - Throws: `TensorFlowError` when a call names no function, a function calls itself, or more nodes come out than any network has.
  mutating func inlined() throws(TensorFlowError) -> [TFNodeDef] {
    var result: [TFNodeDef] = []
    for node in graph.node { try append(node, to: &result, within: []) }
    return result
  }

  private mutating func append(_ node: TFNodeDef, to result: inout [TFNodeDef], within open: [String]) throws(TensorFlowError) {
    budget -= 1
    guard budget > 0 else { throw TensorFlowError(node: node.name, "the functions of the file's library make more nodes than any network has") }
    guard Self.calls.contains(node.op) else { return result.append(node) }
    let called = node.attr.first { $0.key == "f" }?.value.func.name ?? ""
    guard let function = functions[called] else {
      throw TensorFlowError(node: node.name, "it calls the function '\(called)', which the file's library does not hold")
    }
    guard !open.contains(called), open.count < 64 else { throw TensorFlowError(node: node.name, "the function '\(called)' calls itself") }
    let inputs = node.input.filter { !$0.hasPrefix("^") }
    let arguments = function.signature.inputArg.map(\.name)
    guard inputs.count == arguments.count else {
      throw TensorFlowError(node: node.name, "it calls '\(called)' with \(inputs.count) arguments, which has \(arguments.count)")
    }
    var scope = Scope(prefix: node.name + "/", arguments: [:], operators: [:])
    for (argument, input) in zip(arguments, inputs) { scope.arguments[argument] = input }
    for inner in function.nodeDef { scope.operators[inner.name] = inner.op }
    let attributes = Dictionary(node.attr.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    for inner in function.nodeDef {
      var copy = inner
      copy.name = scope.prefix + inner.name
      copy.input = inner.input.filter { !$0.hasPrefix("^") }.map(scope.tensor)
      for index in copy.attr.indices {
        if case .placeholder(let name)? = copy.attr[index].value.value, let given = attributes[name] { copy.attr[index].value = given }
      }
      try append(copy, to: &result, within: open + [called])
    }
    // The call itself becomes the node that hands the results on under its name.
    var outputs: [String] = []
    for argument in function.signature.outputArg {
      guard let value = function.ret.first(where: { $0.key == argument.name })?.value else {
        throw TensorFlowError(node: node.name, "the function '\(called)' does not say what its result '\(argument.name)' is")
      }
      outputs.append(scope.tensor(value))
    }
    var hand = TFNodeDef()
    hand.name = node.name
    hand.op = outputs.isEmpty ? "NoOp" : "IdentityN"
    hand.input = outputs
    result.append(hand)
  }

  /// What names mean inside one call.
  private struct Scope {
    var prefix: String
    var arguments: [String: String]
    var operators: [String: String]

    /// The tensor of the graph that `node:output:index` or an argument inside the function is.
    func tensor(_ name: String) -> String {
      let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      if let argument = arguments[parts[0]] { return argument }
      guard parts.count == 3, let index = Int(parts[2]), index >= 0, index < 1 << 16 else { return prefix + name }
      let output = index + Self.firstOutput(of: operators[parts[0]] ?? "", parts[1])
      return output == 0 ? prefix + parts[0] : "\(prefix)\(parts[0]):\(output)"
    }

    /// Number of the first output that is called `name`. Only operators with several named outputs count.
    private static func firstOutput(of type: String, _ name: String) -> Int {
      guard type.hasPrefix("FusedBatchNorm") else { return 0 }
      return ["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3"].firstIndex(of: name) ?? 0
    }
  }
}
