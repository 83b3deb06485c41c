extension QuantizerSetup {
  /// Makes the activation quantizers at each list of nodes one group, joined with the groups that the network's structure has made.
  /// - Parameter lists: names of the nodes, or inputs of the network, where the quantizers sit: `unified_scale_ops`.
  /// - Throws: `QuantizationError` listing the names where no activation quantizer is.
  mutating func unifyScales(atOperators lists: [[String]]) throws(QuantizationError) {
    let idsOfName = Dictionary(grouping: activationPoints, by: \.target.name).mapValues { $0.map(\.id) }
    let unknown = lists.flatMap { $0 }.filter { idsOfName[$0] == nil }
    guard unknown.isEmpty else {
      let names = unknown.map { "'\($0)'" }.joined(separator: ", ")
      throw QuantizationError(
        "\"unified_scale_ops\" names \(names), where no activation quantizer is. Quantizers sit at: \(idsOfName.keys.sorted().joined(separator: ", "))"
      )
    }
    var groups = UnionFind()
    var groupOfID: [String: Int] = [:]
    for ids in unifiedScaleGroups + lists.map({ $0.flatMap { idsOfName[$0] ?? [] } }) {
      let group = groups.add()
      for id in ids {
        if let other = groupOfID[id] { groups.join(other, group) } else { groupOfID[id] = group }
      }
    }
    let ids = points.map(\.id).filter { groupOfID[$0] != nil }
    let members = Dictionary(grouping: ids) { groups.root(groupOfID[$0] ?? 0) }
    // In the order of the network; within a group the first by name owns the parameters, weights before activations, as in NNCF.
    let weights = Set(weightPoints.map(\.id))
    unifiedScaleGroups = ids.compactMap { id in members.values.first { $0[0] == id } }
      .map { $0.sorted { (weights.contains($0) ? 0 : 1, $0) < (weights.contains($1) ? 0 : 1, $1) } }.filter { $0.count > 1 }
  }

  /// Checks that the members of each unified group can read one set of parameters.
  /// - Throws: `QuantizationError` listing the groups that mix quantizers of different kinds.
  func checkUnifiedScales() throws(QuantizationError) {
    let faults = unifiedScaleGroups.compactMap { group -> String? in
      let members = group.compactMap { self[$0] }
      guard let first = members.first, let other = members.first(where: { !$0.specification.sharesParameters(with: first.specification) }) else {
        return nil
      }
      return "  '\(first.id)' (\(first.specification.summary)) and '\(other.id)' (\(other.specification.summary))"
    }
    guard faults.isEmpty else {
      throw QuantizationError(
        "quantizers that must share a scale are to quantize differently; demand the same of both in \"activations\" or \"scope_overrides\":\n"
          + faults.joined(separator: "\n"))
    }
  }
}
