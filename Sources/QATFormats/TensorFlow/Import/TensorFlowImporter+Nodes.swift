import QATGraph
import QATImporting
import QATTensor

/// The walk over the file's nodes, and what remains when all are imported.
extension TensorFlowImporter {
  /// Imports all nodes that the outputs need.
  /// - Throws: `TensorFlowError`; a list when operators are not supported.
  mutating func importNodes() throws(TensorFlowError) {
    guard !file.outputs.isEmpty else { throw TensorFlowError("no node computes anything: every one is a constant or is read by another") }
    var unsupported: [TensorFlowError.UnsupportedOperator] = []
    let needed = neededNodes()
    for node in file.nodes where needed.contains(node.name) {
      // A reader of something that is not supported is passed over: its own message would say nothing new.
      let known = Self.operators[node.type]
      if let importOperator = known, !node.inputs.contains(where: isUnavailable) {
        do throws(TensorFlowError) {
          try importOperator(&self, node)
          continue
        } catch {
          guard !error.unsupported.isEmpty else { throw located(error, at: node) }
          unsupported += error.unsupported
        }
      } else if known == nil {
        unsupported += node.unsupported(Self.hint(for: node.type)).unsupported
      }
      try blockOutputs(of: node)
    }
    if !unsupported.isEmpty { throw TensorFlowError(unsupported: unsupported) }
  }

  /// Names of the nodes that an output reads, directly or not, and of the inputs.
  private func neededNodes() -> Set<String> {
    var needed = Set(file.outputs)
    for node in file.nodes.reversed() where needed.contains(node.name) { needed.formUnion(node.inputs.map(TensorFlowNode.maker)) }
    for node in file.nodes where node.type == "Placeholder" { needed.insert(node.name) }
    return needed
  }

  /// Marks everything that readers ask of the node as not available.
  private mutating func blockOutputs(of node: TensorFlowNode) throws(TensorFlowError) {
    for output in file.readOutputs(of: node).union([node.name]) where value(of: output) == nil { try bind(output, to: .unavailable, node) }
  }

  /// What to do about operators that a frozen graph should not hold.
  private static func hint(for type: String) -> String? {
    switch type {
    case "VarHandleOp", "ReadVariableOp", "VariableV2": "the graph is not frozen: freeze it with convert_variables_to_constants_v2"
    case "If", "StatelessIf", "While", "StatelessWhile", "Merge", "Switch": "control flow is not supported: freeze the model for inference"
    default: nil
    }
  }

  /// The error with the node that was being read, unless it names one.
  private func located(_ error: TensorFlowError, at node: TensorFlowNode) -> TensorFlowError {
    var error = error
    error.node = error.node ?? node.name
    return error
  }

  /// The finished network.
  /// - Returns: a validated graph.
  /// - Throws: `TensorFlowError` when an output is not computed.
  consuming func finished() throws(TensorFlowError) -> Graph {
    for output in file.outputs {
      guard case .computed(let name, _)? = value(of: output), assembly.graph.constants[name] == nil else {
        throw TensorFlowError(node: output, "the file returns what this node makes, but it is not computed from the inputs")
      }
      assembly.graph.outputs.append(name)
    }
    assembly.graph.recogniseActivations()
    assembly.graph.recogniseLayerNormalizations(assembly.types)
    assembly.graph.mergePads(assembly.types)
    assembly.graph.mergeBiases(assembly.types)
    assembly.graph.dropZeroBiases()
    assembly.graph.removeUnneeded()
    do throws(GraphError) {
      return try assembly.graph.validated()
    } catch {
      throw TensorFlowError(node: error.node, error.reason)
    }
  }
}
