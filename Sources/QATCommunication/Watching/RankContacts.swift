import CWatching

/// The connection of every rank but 0: it looks for rank 0.
struct RankContacts: Contacts {
  private let post: WatchPost
  /// To rank 0, once it has answered.
  private var connection: BeatConnection?
  /// Connections to rank 0's addresses, of which the first that answers is taken.
  private var candidates: [(connection: BeatConnection, hasSpoken: Bool)] = []
  private var nextAttempt = 0.0
  private let warnsAt: Double
  private var hasWarned = false
  /// Whether rank 0 has been reached and lost: it will not come back.
  private var isOver = false

  /// A search for rank 0's post.
  init(_ post: WatchPost, _ desk: WatchDesk) {
    self.post = post
    warnsAt = desk.now + desk.limits.timeout
  }

  func watched(among rankCount: Int) -> [Int] { [0] }

  mutating func events(_ desk: WatchDesk) -> [ContactEvent] {
    var events: [ContactEvent] = []
    if connection == nil, !isOver { seek(desk, &events) }
    guard var current = connection else { return events }
    let (beats, isAlive) = current.receive(run: desk.run)
    events += beats.map(ContactEvent.said)
    connection = current
    if !isAlive {
      current.end()
      connection = nil
      isOver = true
      events.append(.lost(rank: 0))
    }
    return events
  }

  /// Tries rank 0's addresses, all at once: which of them lead there from here only trying tells.
  private mutating func seek(_ desk: WatchDesk, _ events: inout [ContactEvent]) {
    if post.port > 0, candidates.isEmpty, desk.now >= nextAttempt {
      nextAttempt = desk.now + 1
      candidates = post.addresses.map { qat_connect($0, Int32(post.port)) }.filter { $0 >= 0 }.map { (BeatConnection(socket: $0), false) }
    }
    var left: [(connection: BeatConnection, hasSpoken: Bool)] = []
    for candidate in candidates {
      var candidate = candidate
      if connection != nil {
        candidate.connection.end()
        continue
      }
      var isAlive = true
      if !candidate.hasSpoken {
        let state = qat_connected(candidate.connection.socket)
        isAlive = state >= 0 && (state == 0 || candidate.connection.send(desk.beat(qat_beat_hello)))
        candidate.hasSpoken = state == 1
      }
      var answers: [qat_beat] = []
      if isAlive, candidate.hasSpoken {
        let answer = candidate.connection.receive(run: desk.run)
        answers = answer.beats
        isAlive = answer.isAlive
      }
      if !answers.isEmpty {
        connection = candidate.connection
        events += [.reached] + answers.map(ContactEvent.said)
      } else if isAlive, desk.now < nextAttempt {
        left.append(candidate)
      } else {
        candidate.connection.end()
      }
    }
    candidates = left
    if connection == nil, desk.now > warnsAt, !hasWarned {
      hasWarned = true
      desk.warn(
        "rank \(desk.rank) (node \(desk.nodes[desk.rank])) reaches rank 0's watchdog on none of \(post.addresses.joined(separator: ", ")), port "
          + "\(post.port): a failure of this rank will not be named. Let TCP through between the nodes")
    }
  }

  func tell(_ beat: qat_beat) { _ = connection?.send(beat) }

  var sockets: (reading: [Int32], ending: [Int32]) { (candidates.map(\.connection.socket), connection.map { [$0.socket] } ?? []) }

  var longestPause: Double { connection == nil && !candidates.isEmpty ? 0.05 : 1 }

  func end() {
    connection?.end()
    for candidate in candidates { candidate.connection.end() }
  }
}
