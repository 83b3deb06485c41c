import QATJSON

extension QuantizationConfiguration {
  /// How each quantizer finds its range, by id: as the override says that means one of its operators, else as `range` says.
  /// - Parameter setup: the quantizers.
  /// - Returns: an initializer for every point.
  /// - Throws: `QuantizationError` listing every quantizer that no entry or more than one means, and every scope that means no quantizer.
  func rangeInitializers(for setup: QuantizerSetup) throws(QuantizationError) -> [String: RangeInitializer] {
    let overridden = try overriddenInitializers(for: setup)
    let entries: [LayerRangeInitializer]
    switch range {
    case .everywhere(let initializer):
      return Dictionary(setup.points.map { ($0.id, overridden[$0.id] ?? initializer) }, uniquingKeysWith: { first, _ in first })
    case .perLayer(let list): entries = list
    }
    let filters = try entries.map { (entry) throws(QuantizationError) in try LayerFilter(entry) }
    var result = overridden
    var (missed, faults): ([String], [String]) = ([], [])
    for point in setup.points where overridden[point.id] == nil {
      let found = filters.indices.filter { filters[$0].includes(point) }
      if found.count > 1 { faults.append("the quantizer '\(point.id)' is meant by \(found.map { "range[\($0)]" }.joined(separator: " and "))") }
      if let index = found.first { result[point.id] = entries[index].initializer } else { missed.append("'\(point.id)'") }
    }
    if !missed.isEmpty { faults.append("no entry means \(missed.joined(separator: ", "))") }
    if validatesScopes { faults += try scopesWithoutQuantizers(entries, setup) }
    guard faults.isEmpty else {
      throw QuantizationError(
        "\"initializer\", \"range\" must give every quantizer exactly one entry:\n" + faults.map { "  \($0)" }.joined(separator: "\n"))
    }
    return result
  }

  /// Of two overrides that match, the later one holds.
  private func overriddenInitializers(for setup: QuantizerSetup) throws(QuantizationError) -> [String: RangeInitializer] {
    var result: [String: RangeInitializer] = [:]
    for kind in QuantizationPoint.Kind.allCases {
      for override in self[kind].overrides {
        guard let range = override.range else { continue }
        let scope = try Scope(override.scope)
        for point in setup.points where point.kind == kind && point.quantizedOperators.contains(where: scope.matches) { result[point.id] = range }
      }
    }
    return result
  }

  private func scopesWithoutQuantizers(_ entries: [LayerRangeInitializer], _ setup: QuantizerSetup) throws(QuantizationError) -> [String] {
    var faults: [String] = []
    for (index, entry) in entries.enumerated() {
      for (key, scopes) in [("ignored_scopes", entry.ignoredScopes), ("target_scopes", entry.targetScopes ?? [])] {
        for text in scopes {
          let scope = try Scope(text)
          if setup.points.contains(where: scope.matches) { continue }
          let near = NearestWord.ranked(text.replacing("{re}", with: ""), among: setup.points.map(\.id), count: 3).map { "'\($0)'" }
          faults.append("range[\(index)].\(key): '\(text)' means no quantizer; nearest: \(near.isEmpty ? "nothing" : near.joined(separator: ", "))")
        }
      }
    }
    return faults
  }
}

/// The quantizers that an entry means.
private struct LayerFilter {
  let group: QuantizationConfiguration.LayerRangeInitializer.Group?
  let ignored: [Scope]
  let targets: [Scope]?

  init(_ entry: QuantizationConfiguration.LayerRangeInitializer) throws(QuantizationError) {
    group = entry.group
    ignored = try Scope.list(entry.ignoredScopes)
    if let texts = entry.targetScopes { targets = try Scope.list(texts) } else { targets = nil }
  }

  func includes(_ point: QuantizationPoint) -> Bool {
    if let group, (group == .weights) != (point.kind == .weight) { return false }
    if let targets, !targets.contains(where: { $0.matches(point) }) { return false }
    return !ignored.contains { $0.matches(point) }
  }
}

extension Scope {
  /// Whether the entry means a quantizer: by its id, as in NNCF for PyTorch, or by the name of its node, as in NNCF for TensorFlow.
  fileprivate func matches(_ point: QuantizationPoint) -> Bool {
    matches(point.id) || matches(point.id.lastIndex(of: "|").map { String(point.id[..<$0]) } ?? point.id)
  }
}
