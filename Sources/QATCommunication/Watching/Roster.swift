/// What one rank knows of others: rank 0 of all, every other rank of rank 0. Decides who is late. Times are seconds of one clock.
struct Roster {
  /// What is known of a rank.
  enum Presence: Hashable {
    /// It has not been heard yet.
    case awaited
    case heard(at: Double)
    /// It has said that it comes to its end.
    case left
    /// Its connection has ended without a word, which only the end of its process does.
    case died(at: Double)
  }

  struct Member {
    let rank: Int
    let node: String
    var presence = Presence.awaited
    var whereabouts = Whereabouts()
    /// Whether the user has been told that it is late.
    var isWarnedOf = false

    init(rank: Int, node: String) { (self.rank, self.node) = (rank, node) }
  }

  /// Who watches.
  let rank: Int
  private(set) var members: [Member]
  private let limits: StallLimits

  /// A roster of the ranks that `rank` watches: itself among them when it watches all.
  init(rank: Int, watching members: [Member], limits: StallLimits) {
    self.rank = rank
    self.members = members
    self.limits = limits
  }

  /// Notes what a rank has said.
  mutating func hear(_ rank: Int, _ whereabouts: Whereabouts, at now: Double) {
    update(rank) {
      if $0.presence == .left { return }
      $0.presence = .heard(at: now)
      $0.whereabouts = whereabouts
    }
  }

  /// Notes that a rank has said goodbye.
  mutating func leave(_ rank: Int) { update(rank) { $0.presence = .left } }

  /// Notes that a rank's connection has ended.
  mutating func lose(_ rank: Int, at now: Double) { update(rank) { if case .heard = $0.presence { $0.presence = .died(at: now) } } }

  /// When the first rank was found to have died.
  var firstDeath: Double? { members.compactMap(timeOfDeath).min() }

  /// When there will be a verdict on ranks that have died: a node's ranks do not die in the same instant, but belong into one sentence.
  var nextVerdict: Double? { firstDeath.map { $0 + 0.1 } }

  private mutating func update(_ rank: Int, _ change: (inout Member) -> Void) {
    guard let index = members.firstIndex(where: { $0.rank == rank }) else { return }
    change(&members[index])
  }

  /// Who holds up the run, in a paragraph; nil when all is well.
  func verdict(at now: Double, medianStep: Double) -> Verdict? {
    if let nextVerdict { return now < nextVerdict ? nil : verdict(.died, members.filter { timeOfDeath($0) != nil }, now) }
    if members.contains(where: { silence(of: $0, now) > limits.silence }) {
      // Ranks that fell silent together were not heard last in the same instant either.
      return verdict(.silent, members.filter { silence(of: $0, now) > limits.silence / 2 }, now)
    }
    let patience = limits.patience(medianStep: medianStep)
    // Who watches one rank only does not know what that rank waits for.
    guard members.count > 1 else { return nil }
    let stuck = members.filter { isHeard($0) && !$0.whereabouts.isWaiting && idle($0, now) > max(patience, $0.whereabouts.limit) }
    if !stuck.isEmpty { return verdict(.stuck, stuck, now) }
    return deadlock(now, patience)
  }

  /// All wait, and nothing moves: for one that was never heard, else for each other.
  private func deadlock(_ now: Double, _ patience: Double) -> Verdict? {
    let heard = members.filter(isHeard)
    guard !heard.isEmpty, heard.allSatisfy({ $0.whereabouts.isWaiting && idle($0, now) > patience }) else { return nil }
    let awaited = members.filter { $0.presence == .awaited }
    return verdict(awaited.isEmpty ? .deadlock : .unheard, awaited, now)
  }

  private func verdict(_ kind: Verdict.Kind, _ late: [Member], _ now: Double) -> Verdict {
    let ranks = Set(late.map(\.rank))
    let nodes = Dictionary(grouping: members, by: \.node).filter { $0.value.count > 1 && $0.value.allSatisfy { ranks.contains($0.rank) } }
    let waiting = members.filter { isHeard($0) && $0.whereabouts.isWaiting && !ranks.contains($0.rank) }
    return Verdict(kind: kind, late: late.map { Late($0, now) }, wholeNodes: nodes.keys.sorted(), waiting: waiting)
  }

  /// Sentences about ranks that begin to be late, or are not late any more: each once.
  mutating func news(at now: Double, medianStep: Double) -> [String] {
    let limit = limits.warning(medianStep: medianStep)
    var news: [String] = []
    for index in members.indices where isHeard(members[index]) {
      let member = members[index]
      let silence = silence(of: member, now)
      let isStuck = !member.whereabouts.isWaiting && idle(member, now) > max(limit, member.whereabouts.limit)
      let isLate = silence > limit || isStuck
      if isLate, !member.isWarnedOf {
        let late = Late(member, now)
        news.append(silence > limit ? "\(late.name) is late: \(late.silenceText)" : "\(late.name) is late: \(late.idleText)")
      } else if !isLate, member.isWarnedOf {
        news.append("\(Late(member, now).name) goes on: \(member.whereabouts.text)")
      }
      members[index].isWarnedOf = isLate
    }
    return news
  }

  private func isHeard(_ member: Member) -> Bool {
    if case .heard = member.presence { true } else { false }
  }

  private func silence(of member: Member, _ now: Double) -> Double {
    if case .heard(let time) = member.presence, member.rank != rank { now - time } else { 0 }
  }

  private func idle(_ member: Member, _ now: Double) -> Double { member.whereabouts.age + silence(of: member, now) }

  private func timeOfDeath(_ member: Member) -> Double? {
    if case .died(let time) = member.presence { time } else { nil }
  }
}
