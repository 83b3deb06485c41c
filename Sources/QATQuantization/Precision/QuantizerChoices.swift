/// In what ways each quantizer may quantize, by its id: one specification a bit width, the preferred one first. What bit widths are chosen from.
struct QuantizerChoices: Sendable, Hashable {
  private var specifications: [String: [QuantizerSpecification]] = [:]

  subscript(id: String) -> [QuantizerSpecification] {
    get { specifications[id] ?? [] }
    set { specifications[id] = newValue }
  }

  /// Leaves a point what another reader of the same weight may have as well.
  mutating func share(_ id: String, _ others: [QuantizerSpecification]) {
    self[id] = self[id].compactMap { own in
      others.first { $0.sharesParameters(with: own) }.map { own.safe(with: $0) }
    }
  }

  /// The bit widths that all of some points may have, in the order of the first one's preference.
  func commonBitWidths(_ ids: [String]) -> [Int] {
    guard let first = ids.first else { return [] }
    return self[first].map(\.bits).filter { bits in ids.allSatisfy { self[$0].contains { $0.bits == bits } } }
  }
}

extension [QuantizerOption] {
  /// The best option of each bit width, in order.
  var onePerBitWidth: [QuantizerOption] {
    var seen = Set<Int>()
    return filter { seen.insert($0.bits).inserted }
  }
}
