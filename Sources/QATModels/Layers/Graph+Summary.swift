import QATGraph

extension Graph {
  /// A table of the layers: name, operator, the shape of what it computes, and how many parameters it has. A parameter that several layers read counts where it is read first.
  /// - Returns: the table, with the number of parameters below it.
  /// - Throws: `GraphError` when the graph is no network.
  public func summary() throws(GraphError) -> String {
    let types = try tensorTypes()
    var counted = Set<TensorName>()
    var rows = [["layer", "type", "output", "parameters"]]
    var (trained, fixed) = (0, 0)
    for node in nodes {
      var count = 0
      for name in node.inputs {
        guard let constant = constants[name], constant.tensor.floats != nil, counted.insert(name).inserted else { continue }
        if constant.role == .parameter { count += constant.tensor.count } else { fixed += constant.tensor.count }
      }
      trained += count
      let shape = node.outputs.first.flatMap { types[$0] }.map { "\($0.dimensions.map(\.description).joined(separator: " × "))" } ?? ""
      rows.append([node.name, node.type, shape, count == 0 ? "" : "\(count)"])
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    func line(_ row: [String]) -> String {
      zip(row, widths).enumerated().map { column, cell in
        let padding = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 3 ? padding + cell.0 : cell.0 + padding
      }.joined(separator: "  ")
    }
    let rule = String(repeating: "-", count: widths.reduce(0, +) + 6)
    return ([line(rows[0]), rule] + rows.dropFirst().map(line) + [rule, "\(name): \(trained) parameters, \(fixed) statistics and constants"])
      .joined(separator: "\n")
  }
}
