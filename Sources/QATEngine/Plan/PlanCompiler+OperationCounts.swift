import QATGraph

extension PlanCompiler {
  /// Notes of each kernel of a convolution or matrix product how much it computes, by what it is called. The gradients of both factors are products of the same size.
  func countOperations() {
    var counts: [String: Int] = [:]
    for node in graph.nodes {
      let count = 2 * batchSize * node.multiplyAdds(types)
      guard count > 0 else { continue }
      let (kind, name) = (node.type, node.name)
      for label in [
        "\(kind) \(name)", "integer \(kind) \(name)", "\(kind) backward data \(name)", "\(kind) backward weights \(name)",
        "\(kind) backward A \(name)",
        "\(kind) backward B \(name)",
      ] { counts[label] = count }
    }
    for step in forward + backward { step.operationCount = counts[step.label] ?? 0 }
  }
}
