extension QuantizerPropagation {
  /// Removes the quantizers of elementwise operators on a constant that nobody else shares: one that has not moved and serves this operator alone gains nothing.
  /// Source: reference NNCF, step 10 of placement.
  mutating func removeNeedless() {
    for (location, quantizer) in quantizers where quantizer.distance <= 1 && quantizer.sinks.count == 1 {
      guard let sink = quantizer.sinks.first else { continue }
      let reader = graph.vertices[graph.slots[sink].reader]
      if reader.operatorClass?.isElementwise == true, reader.inputs.count == 1 {
        remove(location)
        needlessSlots.insert(sink)
      }
    }
  }

  /// Removes quantizers that repeat one above: below it, with nothing but moved values in between, with no finer grid.
  mutating func removeRedundant() {
    for vertex in graph.vertices.indices {
      for slot in graph.vertices[vertex].inputs where quantizers[.slot(slot)] != nil { removeRepetitions(of: .slot(slot), from: [slot]) }
      if quantizers[.output(vertex)] != nil { removeRepetitions(of: .output(vertex), from: graph.vertices[vertex].readers) }
    }
  }

  private mutating func removeRepetitions(of location: PropagatingQuantizer.Location, from slots: [Int]) {
    for slot in slots {
      if location != .slot(slot), !absorb(.slot(slot), into: location) { continue }
      let reader = graph.slots[slot].reader
      guard graph.vertices[reader].trait == .agnostic, absorb(.output(reader), into: location) else { continue }
      removeRepetitions(of: location, from: graph.vertices[reader].readers)
    }
  }

  /// Removes the quantizer at `lower`, if there is one and the one at `upper` does its work.
  /// - Returns: whether nothing is left there.
  private mutating func absorb(_ lower: PropagatingQuantizer.Location, into upper: PropagatingQuantizer.Location) -> Bool {
    guard let below = quantizers[lower], let above = quantizers[upper] else { return true }
    guard let option = below.options.first, let kept = above.options.first, option.bits == kept.bits else { return false }
    let sameMode = option.mode == kept.mode || (option.mode == .asymmetric && kept.mode == .symmetric)
    let sameGranularity = option.perChannel == kept.perChannel || (option.perChannel && !kept.perChannel)
    // A member of a unified group keeps its scale, unless the one above has the same.
    guard sameMode, sameGranularity, below.group == nil || below.group == above.group else { return false }
    remove(lower)
    serve(below, from: upper)
    return true
  }
}
