/// An embedding, and in what ways its table may be quantized with one range.
struct EmbeddingTable {
  /// Its vertex in the quantization graph.
  var vertex: Int
  /// Id of the table's quantizer.
  var point: String
  /// The options with one range for the whole table, best first.
  var wholes: [(option: QuantizerOption, specification: QuantizerSpecification)]
}

extension QuantizerPropagation {
  /// Removes the quantizers behind embeddings whose tables can do their work: rows of a table on a grid are on that grid. The table then has one range, and
  /// belongs to the unified group of the quantizer it stands for. Where the two have nothing in common, values are quantized once more.
  /// Source: reference NNCF, step 13 of placement.
  /// - Parameters:
  ///   - tables: the embeddings.
  ///   - weights: the points of weights, changed where a table takes over.
  ///   - choices: in what ways the points may quantize.
  mutating func moveIntoTables(_ tables: [EmbeddingTable], _ weights: inout [QuantizationPoint], _ choices: inout QuantizerChoices) {
    let embeddings = Set(tables.map { graph.vertices[$0.vertex].name })
    for table in tables {
      let place = PropagatingQuantizer.Location.output(table.vertex)
      guard let quantizer = quantizers[place], let index = weights.firstIndex(where: { $0.id == table.point }) else { continue }
      // A product that reads the same table needs a range for each of its outputs.
      guard weights[index].quantizedOperators.allSatisfy({ embeddings.contains($0) || tableReaders.contains($0) }) else { continue }
      let partners = quantizer.group.map { group in quantizers.keys.filter { quantizers[$0]?.group == group } } ?? [place]
      let common = table.wholes.filter { whole in
        partners.allSatisfy { quantizers[$0]?.options.contains { $0.includes(whole.option) } ?? false }
      }
      guard !common.isEmpty else { continue }
      remove(place)
      var specifications = common.map(\.specification)
      if let group = quantizer.group {
        for partner in partners where partner != place { restrict(partner, to: common.map(\.option)) }
        tablesOfGroup[group, default: []].append(table.point)
        // One scale has one grid: that of the activations.
        for each in specifications.indices {
          (specifications[each].halfRange, specifications[each].narrowRange, specifications[each].pairing) = (false, false, nil)
        }
      }
      weights[index].specification = specifications[0]
      let sinks = quantizer.sinks.sorted().map { graph.slots[$0].target.name }
      tableReaders.formUnion(sinks)
      for sink in sinks where !weights[index].quantizedOperators.contains(sink) { weights[index].quantizedOperators.append(sink) }
      var widths = Set<Int>()
      choices[table.point] = specifications.filter { widths.insert($0.bits).inserted }
    }
  }
}

extension QuantizerOption {
  /// Whether `weight` is one of the quantizers that this option of an activation stands for: an open sign takes either.
  fileprivate func includes(_ weight: QuantizerOption) -> Bool {
    (bits, mode, perChannel) == (weight.bits, weight.mode, weight.perChannel) && (forcedSign == nil || forcedSign == weight.forcedSign)
  }
}
