/// The choice of bit widths as a problem in numbers: which weights may have which widths, what noise that makes, what it costs, and which activations follow.
///
/// The weights stand by rising trace, and whoever has a choice has no fewer bits than those before it. So of L weights and B widths there are C(L + B − 1, B − 1)
/// candidates instead of Bᴸ, and all are looked at. Source: HAWQ-V2, and NNCF 2.14's rules for activations.
struct BitWidthSearch {
  /// A weight quantizer.
  struct Weight {
    /// The average Hessian trace.
    var trace: Double
    /// The bit widths it may have, lowest first, and the squared error of each.
    var noises: [(bits: Int, error: Double)]
    /// Multiply-adds of the operators that read the weight.
    var operations: Int
    /// Number of the activation that they read; nil when it is not quantized.
    var activation: Int?
    /// Number of the group of quantizers that feed the same operators.
    var group: Int
  }

  /// An activation quantizer, or several that share a scale.
  struct Activation {
    /// The bit widths it may have, lowest first.
    var widths: [Int]
    /// Numbers of the groups of quantizers that feed the same operators.
    var groups: Set<Int>
  }

  /// A choice that keeps the order.
  struct Candidate: Sendable, Hashable {
    /// The bit width of each weight.
    var weights: [Int]
    /// The bit width of each activation.
    var activations: [Int]
    /// What the loss suffers, as far as curvature tells: Σ trace · squared error.
    var perturbation: Double
    /// How many times fewer bit operations there are than with 8 bits everywhere.
    var ratio: Double
  }

  /// Most candidates that are looked at.
  static let candidateLimit = 1_000_000

  /// By rising trace.
  let weights: [Weight]
  let activations: [Activation]
  /// Whether the quantizers of a group have one width.
  let isStrict: Bool

  /// Number of sequences of widths in which whoever has a choice has no fewer bits than those before; more than the limit count as one more.
  var candidateCount: Int {
    var counts: [Int: Int] = [2: 1]
    for weight in weights where weight.noises.count > 1 {
      var next: [Int: Int] = [:]
      for (bits, _) in weight.noises {
        let sum = counts.reduce(0) { $1.key <= bits ? min($0 + $1.value, Self.candidateLimit + 1) : $0 }
        if sum > 0 { next[bits] = sum }
      }
      counts = next
    }
    return counts.values.reduce(0) { min($0 + $1, Self.candidateLimit + 1) }
  }

  /// Calls `visit` with every candidate.
  func forEachCandidate(_ visit: (Candidate) -> Void) {
    var chosen = [Int](repeating: 0, count: weights.count)
    var widthOfGroup: [Int: Int] = [:]
    func descend(_ index: Int, _ lowest: Int, _ perturbation: Double) {
      guard index < weights.count else {
        let followers = activations.map { width(of: $0, beside: chosen) }
        return visit(Candidate(weights: chosen, activations: followers, perturbation: perturbation, ratio: ratio(chosen, followers)))
      }
      let weight = weights[index]
      let isFree = weight.noises.count > 1
      for (bits, error) in weight.noises where !isFree || bits >= lowest {
        let known = widthOfGroup[weight.group]
        if isStrict, let known, known != bits { continue }
        chosen[index] = bits
        widthOfGroup[weight.group] = bits
        descend(index + 1, isFree ? bits : lowest, perturbation + weight.trace * error)
        widthOfGroup[weight.group] = known
      }
    }
    descend(0, 0, 0)
  }

  /// The width of an activation when the weights have theirs.
  private func width(of activation: Activation, beside chosen: [Int]) -> Int {
    let beside = Set(weights.indices.filter { activation.groups.contains(weights[$0].group) }.map { chosen[$0] })
    return activation.widths.first(where: beside.contains) ?? activation.widths.first ?? 8
  }

  private func ratio(_ chosen: [Int], _ followers: [Int]) -> Double {
    var (full, cost) = (0.0, 0.0)
    for (weight, bits) in zip(weights, chosen) {
      let wider = max(bits, weight.activation.map { followers[$0] } ?? bits)
      full += 8 * Double(weight.operations)
      cost += Double(wider) * Double(weight.operations)
    }
    return cost > 0 ? full / cost : 1
  }
}
