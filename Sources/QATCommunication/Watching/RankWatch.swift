import CWatching

/// The part of every rank but 0: tells rank 0 that it lives, and watches rank 0.
struct RankWatch {
  private let desk: WatchDesk
  private let contact: WatchPost
  /// To rank 0, once it has answered.
  private var connection: BeatConnection?
  /// Connections to rank 0's addresses, of which the first that answers is taken.
  private var candidates: [(connection: BeatConnection, hasSpoken: Bool)] = []
  private var roster: Roster
  private var nextBeat = 0.0
  private var nextAttempt = 0.0
  private let warnsAt: Double
  private var hasWarned = false
  private var deadline: (time: Double, exitCode: Int32)?
  private var hasLeft = false

  init(_ desk: WatchDesk, _ contact: WatchPost) {
    self.desk = desk
    self.contact = contact
    roster = Roster(rank: desk.rank, watching: [.init(rank: 0, node: desk.nodes.first ?? "")], limits: desk.limits)
    warnsAt = desk.now + desk.limits.timeout
  }

  /// Watches until the run has ended.
  consuming func run(_ watchdog: Watchdog) {
    while watchdog.request != .stop {
      if connection == nil, !roster.isGone(0) { seek() }
      obey(watchdog)
      if let (time, exitCode) = deadline, desk.now > time { desk.end(exitCode) }
      hear()
      if desk.now >= nextBeat { beat() }
      let pause = connection == nil && !candidates.isEmpty ? 0.05 : min(nextBeat - desk.now, 1)
      waitForSockets(
        reading: [desk.wakeUp] + candidates.map(\.connection.socket), ending: connection.map { [$0.socket] } ?? [], seconds: pause)
      desk.clearWakeUp()
    }
    connection?.end()
    for candidate in candidates { candidate.connection.end() }
    watchdog.announced()
  }

  private mutating func obey(_ watchdog: Watchdog) {
    switch watchdog.request {
    case .watch, .stop: return
    case .leave:
      if hasLeft { return }
      hasLeft = true
      _ = connection?.send(desk.beat(qat_beat_leaving))
    case .abort(let exitCode):
      if deadline != nil { return }
      deadline = (desk.deadline, exitCode)
      _ = connection?.send(desk.beat(qat_beat_aborting, exitCode: exitCode))
    }
    watchdog.announced()
  }

  /// Tries rank 0's addresses, all at once: which of them lead there from here only trying tells.
  private mutating func seek() {
    if contact.port > 0, candidates.isEmpty, desk.now >= nextAttempt {
      nextAttempt = desk.now + 1
      candidates = contact.addresses.map { qat_connect($0, Int32(contact.port)) }.filter { $0 >= 0 }.map { (BeatConnection(socket: $0), false) }
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
        nextBeat = 0
        take(answers)
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
        "rank \(desk.rank) (node \(desk.nodes[desk.rank])) reaches rank 0's watchdog on none of \(contact.addresses.joined(separator: ", ")), port "
          + "\(contact.port): a failure of this rank will not be named. Let TCP through between the nodes")
    }
  }

  /// Reads everything that rank 0 has said.
  private mutating func hear() {
    guard var current = connection else { return }
    let (beats, isAlive) = current.receive(run: desk.run)
    take(beats)
    connection = current
    if isAlive { return }
    current.end()
    connection = nil
    roster.lose(0)
    judge()
  }

  /// Notes what rank 0 has said.
  private mutating func take(_ beats: [qat_beat]) {
    for beat in beats {
      switch Int(beat.kind) {
      case Int(qat_beat_leaving): roster.leave(0)
      case Int(qat_beat_aborting):
        roster.leave(0)
        if deadline == nil { deadline = (desk.deadline, beat.exit_code) }
      default: roster.hear(0, Whereabouts(beat), at: desk.now)
      }
    }
  }

  private mutating func beat() {
    nextBeat = desk.now + desk.limits.interval
    if !hasLeft { _ = connection?.send(desk.beat(qat_beat_beat)) }
    judge()
    if deadline == nil, desk.rank == 1 {
      for sentence in roster.news(at: desk.now, medianStep: desk.medianStep) { desk.warn(sentence) }
    }
  }

  private mutating func judge() {
    guard deadline == nil, let verdict = roster.verdict(at: desk.now, medianStep: desk.medianStep) else { return }
    deadline = (desk.deadline, Watchdog.exitCode)
    // One rank speaks where it can: once it has ended, mpirun asks the others to end before their turn comes.
    if desk.rank > 1 { waitForSockets(reading: [], ending: [], seconds: 1 + 0.2 * Double(min(desk.rank, 10))) }
    if desk.isEnding { return }
    desk.announce(verdict)
    // Rank 0 may only have been stopped, and go on when mpirun ends it.
    _ = connection?.send(desk.beat(qat_beat_aborting, exitCode: Watchdog.exitCode))
    // mpirun notices a process that has died.
    if verdict.kind != .died { desk.end(Watchdog.exitCode) }
  }
}
