import QAT

/// How each layer of a written network runs in each runtime, and what was compared behind it.
struct KernelTable {
  private let lowered: LoweredGraph
  private let integerOperators: [(runtime: Runtime, names: Set<String>)]

  /// - Throws: `GraphError` when an operator cannot run.
  init(_ lowered: LoweredGraph) throws(GraphError) {
    self.lowered = lowered
    var operators: [(Runtime, Set<String>)] = []
    for runtime in Runtime.withIntegerKernels {
      operators.append((runtime, try DeployedNetwork(lowered, target: runtime, batchSize: 1).integerOperators))
    }
    integerOperators = operators
  }

  /// One line an integer layer or operator in floating point, in node order; below it the reasons of the latter.
  var text: String {
    let reasons = Dictionary(lowered.floatOperators.map { ($0.name, $0.reason) }, uniquingKeysWith: { first, _ in first })
    let layers = Set(lowered.integerLayers.map(\.name))
    var table = TextTable(["layer", "operator", "weight"] + integerOperators.map(\.runtime.name))
    var lines: [String] = []
    for node in lowered.simulation.nodes where layers.contains(node.name) || reasons[node.name] != nil {
      let bits = lowered.weights.isEmpty || node.inputs.count < 2 ? nil : lowered.weights[node.inputs[1]]?.bits
      let kernels = integerOperators.map { $0.names.contains(node.name) ? "INT8" : "float" }
      table.add([node.name, node.type, bits.map { "\($0) bits" } ?? "–"] + kernels)
      if let reason = reasons[node.name] {
        lines.append("  \(node.name): \(reason)")
      } else if kernels.contains("float") {
        lines.append("  \(node.name): the runtime has no integer kernel for it here")
      }
    }
    return ([table.text] + lines).joined(separator: "\n")
  }
}
