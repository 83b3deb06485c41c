import CWatching

/// Rank 0's connections: every other rank finds it.
struct RootContacts: Contacts {
  private let listening: Int32
  private var connections: [BeatConnection] = []

  /// Connections that come to a socket; -1 when rank 0 cannot listen.
  init(listening: Int32, rankCount: Int) {
    self.listening = listening
    qat_expect_connections(Int32(2 * rankCount))
  }

  /// All, itself among them: it also decides whether all wait for each other.
  func watched(among rankCount: Int) -> [Int] { Array(0..<rankCount) }

  mutating func events(_ desk: WatchDesk) -> [ContactEvent] {
    while listening >= 0, case let socket = qat_accept(listening), socket >= 0 { connections.append(BeatConnection(socket: socket)) }
    var events: [ContactEvent] = []
    var lost: [Int] = []
    for index in connections.indices {
      let (beats, isAlive) = connections[index].receive(run: desk.run)
      for beat in beats {
        // A rank tries several ways to this one, and stays with the first on which it gets an answer.
        if beat.kind == qat_beat_hello {
          _ = connections[index].send(desk.beat(qat_beat_hello))
        } else {
          connections[index].rank = Int(beat.rank)
          events.append(.said(beat))
        }
      }
      if !isAlive { lost.append(index) }
    }
    for index in lost.reversed() {
      if let rank = connections[index].rank { events.append(.lost(rank: rank)) }
      connections[index].end()
      connections.remove(at: index)
    }
    return events
  }

  func tell(_ beat: qat_beat) {
    for connection in connections { _ = connection.send(beat) }
  }

  var sockets: (reading: [Int32], ending: [Int32]) {
    ([listening] + connections.filter { $0.rank == nil }.map(\.socket), connections.filter { $0.rank != nil }.map(\.socket))
  }

  var longestPause: Double { 1 }

  func end() {
    for connection in connections { connection.end() }
    if listening >= 0 { BeatConnection(socket: listening).end() }
  }
}
