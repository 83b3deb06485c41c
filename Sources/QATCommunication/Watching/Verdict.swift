/// A rank that holds up the others.
struct Late {
  let rank: Int
  let node: String
  let whereabouts: Whereabouts
  /// Seconds since it was heard.
  let silence: Double

  init(_ member: Roster.Member, _ now: Double) {
    rank = member.rank
    node = member.node
    whereabouts = member.whereabouts
    if case .heard(let time) = member.presence { silence = now - time } else { silence = 0 }
  }

  var name: String { "rank \(rank) (node \(node))" }
  var silenceText: String { "last heard \(seconds(silence)) s ago in \(whereabouts.text)" }
  var idleText: String { "in \(whereabouts.text), without progress for \(seconds(whereabouts.age + silence)) s" }

  private func seconds(_ time: Double) -> String { time < 100 ? "\((time * 10).rounded() / 10)" : "\(Int(time))" }
}

/// Why a run is ended.
struct Verdict {
  enum Kind {
    /// Processes that have ended without a word.
    case died
    /// Ranks that are not heard any more.
    case silent
    /// Ranks that are heard but do not move on.
    case stuck
    /// Ranks that were never heard, while all others wait.
    case unheard
    /// All wait.
    case deadlock
  }

  let kind: Kind
  let late: [Late]
  /// Nodes of several ranks, all of which are late.
  let wholeNodes: [String]
  /// Ranks that wait for others.
  let waiting: [Roster.Member]

  /// One paragraph: who, on which node, doing what; who waits; the likely reason.
  var text: String {
    switch kind {
    case .died:
      naming { "\($0.name) has died in \($0.whereabouts.text)" } + waits
        + ". Its own message, mpirun's or the kernel's log (out of memory?) says why; --resume auto goes on from the last checkpoint"
    case .silent:
      naming { "\($0.name) is late: \($0.silenceText)" } + waits
        + ". It is stopped, its node is down, or the network to it is cut. Ending the run; --resume auto goes on from the last checkpoint"
    case .stuck:
      naming { "\($0.name) is late: \($0.idleText)" } + waits
        + ". Ending the run; a longer --stall-timeout would wait longer, --resume auto goes on from the last checkpoint"
    case .unheard:
      naming { "\($0.name) has never been heard by rank 0's watchdog" } + waits
        + ". It hangs, or a firewall is between. Ending the run"
    case .deadlock:
      "no rank moves on" + waits
        + ". The network between some nodes is cut, or a message was lost. Ending the run; --resume auto goes on from the last checkpoint"
    }
  }

  private func naming(_ sentence: (Late) -> String) -> String {
    let nodes =
      wholeNodes.prefix(8).map { "node \($0)" }.joined(separator: ", ") + (wholeNodes.count > 8 ? " and \(wholeNodes.count - 8) more nodes" : "")
    return late.prefix(8).map(sentence).joined(separator: ", ") + (late.count > 8 ? " and \(late.count - 8) more ranks" : "")
      + (wholeNodes.isEmpty ? "" : ": all ranks of \(nodes)")
  }

  /// As in "; ranks 0, 2 wait in the gradient sum of step 812".
  private var waits: String {
    var groups: [(text: String, ranks: [Int])] = []
    for member in waiting {
      let text = member.whereabouts.waitText
      if let index = groups.firstIndex(where: { $0.text == text }) {
        groups[index].ranks.append(member.rank)
      } else {
        groups.append((text, [member.rank]))
      }
    }
    return groups.prefix(4).map { group in
      let names = group.ranks.prefix(8).map(String.init).joined(separator: ", ") + (group.ranks.count > 8 ? " and \(group.ranks.count - 8) more" : "")
      return "; \(group.ranks.count == 1 ? "rank \(names) waits" : "ranks \(names) wait") for \(group.text)"
    }.joined()
  }
}
