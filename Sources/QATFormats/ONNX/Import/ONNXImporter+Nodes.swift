import QATGraph

/// The walk over the file's nodes.
extension ONNXImporter {
  /// Imports all nodes.
  /// - Throws: `ONNXError`; a list when operators are not supported.
  mutating func importNodes(_ calls: [ONNXCall]) throws(ONNXError) {
    var unsupported: [ONNXError.UnsupportedOperator] = []
    var names: [String: Int] = [:]
    for (index, call) in try Self.sorted(calls).enumerated() {
      let proto = call.proto
      let domain = proto.domain == "ai.onnx" ? "" : proto.domain
      let node = try ONNXImportNode(proto, name: Self.name(of: proto, index: index, &names), opset: call.versions[domain] ?? 0)
      let isBehindRefusal = node.inputs.contains(where: isAssumed)
      do throws(ONNXError) {
        guard let importOperator = Self.operators[domain.isEmpty ? node.type : "\(domain)::\(node.type)"] else {
          throw node.unsupported(Self.refusals[node.type])
        }
        try importOnCodes(node, importOperator)
        if isBehindRefusal { assumed.formUnion(node.outputs) }
      } catch {
        // Other faults behind a refusal may come from what was taken at the file's word: they would say nothing new.
        guard !error.unsupported.isEmpty || isBehindRefusal else { throw located(error, at: node) }
        unsupported += error.unsupported
        try goOn(behind: node)
      }
    }
    if !unsupported.isEmpty { throw ONNXError(unsupported: unsupported) }
  }

  /// The error with the node that was being read, unless it names one.
  private func located(_ error: ONNXError, at node: ONNXImportNode) -> ONNXError {
    var error = error
    error.node = error.node ?? node.name
    return error
  }

  /// The node's name in the file, or one made from its type; numbered when another node has it. `names` holds the next number of each name.
  private static func name(of proto: ONNXNodeProto, index: Int, _ names: inout [String: Int]) -> String {
    let candidate = proto.name.isEmpty ? "\(proto.opType)_\(index)" : proto.name
    var name = candidate
    while let number = names[name] {
      name = "\(candidate)_\(names[candidate] ?? number)"
      names[candidate, default: 1] += 1
    }
    names[name] = 1
    return name
  }

  /// The nodes in an order in which each comes after those it reads from: the file's own when it is one, as the format demands.
  /// - Throws: `ONNXError` when there is a cycle, naming a node on it.
  private static func sorted(_ calls: [ONNXCall]) throws(ONNXError) -> [ONNXCall] {
    let nodes = calls.map(\.proto)
    var producers: [String: Int] = [:]
    for (index, node) in nodes.enumerated() { for output in node.output where !output.isEmpty { producers[output] = index } }
    // A node that reads its own output makes a cycle, so equality counts as disorder.
    let isSorted = nodes.indices.allSatisfy { index in nodes[index].input.allSatisfy { (producers[$0] ?? -1) < index } }
    if isSorted { return calls }
    var missing = [Int](repeating: 0, count: nodes.count)
    var readers = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for producer in node.input.compactMap({ producers[$0] }) {
        readers[producer].append(index)
        missing[index] += 1
      }
    }
    var order = nodes.indices.filter { missing[$0] == 0 }
    var position = 0
    while position < order.count {
      for reader in readers[order[position]] {
        missing[reader] -= 1
        if missing[reader] == 0 { order.append(reader) }
      }
      position += 1
    }
    guard order.count == nodes.count else {
      let stuck = nodes.indices.first { missing[$0] > 0 } ?? 0
      throw ONNXError(
        node: nodes[stuck].name.isEmpty ? "\(nodes[stuck].opType)_\(stuck)" : nodes[stuck].name, "the node waits for itself: the graph has a cycle")
    }
    return order.map { calls[$0] }
  }
}
