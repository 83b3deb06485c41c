import QATTensor
import Testing

@testable import QATQuantization

@Suite("Bit widths are chosen among all that keep the order of the traces")
struct BitWidthSearchTests {
  typealias Candidate = BitWidthSearch.Candidate

  /// A small problem of random numbers: traces, errors, costs, widths on offer and who is beside whom.
  private static func problem(_ number: Int, isStrict: Bool) -> BitWidthSearch {
    let key = RandomKey(seed: 1, purpose: .syntheticData, number)
    var draws = 0
    func draw(_ bound: Int) -> Int {
      draws += 1
      return key.integer(below: bound, at: draws)
    }
    let offers = [[2, 4, 8], [4, 8], [8], [2, 8], [2, 4, 6, 8]]
    let groupCount = 1 + draw(4)
    let offerOfGroup = (0..<groupCount).map { _ in offers[draw(offers.count)] }
    func widths(_ group: Int) -> [Int] { isStrict ? offerOfGroup[group] : offers[draw(offers.count)] }
    let activations = (0..<3).map { _ in
      let group = draw(groupCount)
      return BitWidthSearch.Activation(widths: widths(group), groups: [group])
    }
    let traces = (0..<2 + draw(4)).map { _ in Double(draw(1000)) / 100 }.sorted()
    let weights = traces.map { trace in
      let group = draw(groupCount)
      let noises = widths(group).map { (bits: $0, error: Double(1 + draw(1000)) / Double(1 << $0)) }
      return BitWidthSearch.Weight(
        trace: trace, noises: noises, operations: 1 + draw(50), activation: draw(4) == 0 ? nil : draw(3), group: group)
    }
    return BitWidthSearch(weights: weights, activations: activations, isStrict: isStrict)
  }

  /// Every combination of widths, kept when it obeys the rules, written down once more.
  private static func bruteForce(_ search: BitWidthSearch) -> [Candidate] {
    var all: [[Int]] = [[]]
    for weight in search.weights { all = all.flatMap { prefix in weight.noises.map { prefix + [$0.bits] } } }
    return all.compactMap { bits in
      let free = search.weights.indices.filter { search.weights[$0].noises.count > 1 }.map { bits[$0] }
      guard zip(free, free.dropFirst()).allSatisfy({ $0 <= $1 }) else { return nil }
      if search.isStrict {
        let byGroup = Dictionary(grouping: search.weights.indices) { search.weights[$0].group }
        guard byGroup.values.allSatisfy({ Set($0.map { bits[$0] }).count == 1 }) else { return nil }
      }
      let followers = search.activations.map { activation in
        let beside = search.weights.indices.filter { activation.groups.contains(search.weights[$0].group) }.map { bits[$0] }
        return activation.widths.filter(beside.contains).min() ?? activation.widths.min() ?? 0
      }
      let noise = zip(search.weights, bits).reduce(0.0) { sum, pair in
        sum + pair.0.trace * (pair.0.noises.first { $0.bits == pair.1 }?.error ?? .nan)
      }
      let costs = zip(search.weights, bits).map { weight, own in weight.operations * max(own, weight.activation.map { followers[$0] } ?? own) }
      let full = 8 * search.weights.reduce(0) { $0 + $1.operations }
      return Candidate(weights: bits, activations: followers, perturbation: noise, ratio: Double(full) / Double(costs.reduce(0, +)))
    }
  }

  @Test("the candidates are those of a search through all combinations, for 200 random problems", arguments: [false, true])
  func candidates(isStrict: Bool) {
    var counts: Set<Int> = []
    for number in 0..<200 {
      let search = Self.problem(number, isStrict: isStrict)
      var found: [Candidate] = []
      search.forEachCandidate { found.append($0) }
      let expected = Self.bruteForce(search)
      #expect(found.map(\.weights) == expected.map(\.weights), "problem \(number)")
      #expect(found.map(\.activations) == expected.map(\.activations), "problem \(number)")
      #expect(zip(found, expected).allSatisfy { abs($0.ratio - $1.ratio) < 1e-12 && abs($0.perturbation - $1.perturbation) < 1e-9 })
      if !isStrict { #expect(search.candidateCount == found.count, "problem \(number)") }
      counts.insert(found.count)
    }
    #expect(counts.count > 5)
  }

  @Test("the number of candidates is counted without looking at them")
  func counting() {
    let weight = BitWidthSearch.Weight(trace: 1, noises: [(2, 1), (4, 1), (8, 1)], operations: 1, activation: nil, group: 0)
    func search(_ count: Int) -> BitWidthSearch {
      BitWidthSearch(weights: [BitWidthSearch.Weight](repeating: weight, count: count), activations: [], isStrict: false)
    }
    #expect(search(54).candidateCount == 56 * 55 / 2)
    #expect(search(5000).candidateCount == BitWidthSearch.candidateLimit + 1)
  }

  @Test("four bits of one weight, by hand")
  func byHand() throws {
    // With trace 1 and error e: widths 8 and 4 cost 8 and 4, and the activation follows.
    let weights = [(0.5, 10.0), (2.0, 3.0)].map { trace, error in
      BitWidthSearch.Weight(trace: trace, noises: [(4, error), (8, error / 256)], operations: 100, activation: 0, group: 0)
    }
    let search = BitWidthSearch(weights: weights, activations: [.init(widths: [4, 8], groups: [0])], isStrict: false)
    var found: [Candidate] = []
    search.forEachCandidate { found.append($0) }
    #expect(found.map(\.weights) == [[4, 4], [4, 8], [8, 8]])
    #expect(found.map(\.activations) == [[4], [4], [8]])
    #expect(found.map(\.ratio) == [2, 1600.0 / 1200, 1])
    #expect(found.map(\.perturbation) == [11, 5 + 6 / 256.0, 5 / 256.0 + 6 / 256.0])
  }
}
