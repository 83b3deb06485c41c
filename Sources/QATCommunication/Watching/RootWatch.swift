import CWatching

/// Rank 0's part: hears all ranks and decides who is late.
struct RootWatch {
  private let desk: WatchDesk
  private let listening: Int32
  private var connections: [BeatConnection] = []
  private var roster: Roster
  private var nextBeat = 0.0
  private var deadline: (time: Double, exitCode: Int32)?
  private var hasLeft = false

  init(_ desk: WatchDesk, listening: Int32) {
    self.desk = desk
    self.listening = listening
    let members = desk.nodes.enumerated().map { Roster.Member(rank: $0, node: $1) }
    roster = Roster(rank: 0, watching: members, limits: desk.limits)
    qat_expect_connections(Int32(2 * desk.nodes.count))
  }

  /// Watches until the run has ended.
  consuming func run(_ watchdog: Watchdog) {
    while watchdog.request != .stop {
      obey(watchdog)
      if let (time, exitCode) = deadline, desk.now > time { desk.end(exitCode) }
      admit()
      hear()
      if desk.now >= nextBeat { beat() }
      let bound = connections.filter { $0.rank != nil }.map(\.socket)
      let loose = connections.filter { $0.rank == nil }.map(\.socket)
      waitForSockets(reading: [desk.wakeUp, listening] + loose, ending: bound, seconds: min(nextBeat - desk.now, 1))
      desk.clearWakeUp()
    }
    tellAll(desk.beat(qat_beat_leaving))
    for connection in connections { connection.end() }
    if listening >= 0 { BeatConnection(socket: listening).end() }
    watchdog.announced()
  }

  private mutating func obey(_ watchdog: Watchdog) {
    switch watchdog.request {
    case .watch, .stop: return
    case .leave:
      if hasLeft { return }
      hasLeft = true
      tellAll(desk.beat(qat_beat_leaving))
    case .abort(let exitCode):
      if deadline != nil { return }
      end(exitCode)
    }
    watchdog.announced()
  }

  /// Takes up new connections.
  private mutating func admit() {
    while listening >= 0 {
      let socket = qat_accept(listening)
      if socket < 0 { return }
      connections.append(BeatConnection(socket: socket))
    }
  }

  /// Reads everything that has come.
  private mutating func hear() {
    var lost: [Int] = []
    for index in connections.indices {
      let (beats, isAlive) = connections[index].receive(run: desk.run)
      for beat in beats { handle(beat, from: index) }
      if !isAlive { lost.append(index) }
    }
    for index in lost.reversed() {
      if let rank = connections[index].rank { roster.lose(rank) }
      connections[index].end()
      connections.remove(at: index)
    }
    if !lost.isEmpty { judge() }
  }

  private mutating func handle(_ beat: qat_beat, from index: Int) {
    let rank = Int(beat.rank)
    switch Int(beat.kind) {
    case Int(qat_beat_hello):
      _ = connections[index].send(desk.beat(qat_beat_hello))
      return
    case Int(qat_beat_leaving):
      roster.leave(rank)
    case Int(qat_beat_aborting):
      roster.leave(rank)
      if deadline == nil { end(beat.exit_code) }
    default:
      roster.hear(rank, Whereabouts(beat), at: desk.now)
    }
    connections[index].rank = rank
  }

  /// Tells all that this rank lives, and looks who else does.
  private mutating func beat() {
    nextBeat = desk.now + desk.limits.interval
    roster.hear(0, .own, at: desk.now)
    if !hasLeft { tellAll(desk.beat(qat_beat_beat)) }
    judge()
    if deadline == nil {
      for sentence in roster.news(at: desk.now, medianStep: desk.medianStep) { desk.warn(sentence) }
    }
  }

  private mutating func judge() {
    guard deadline == nil, let verdict = roster.verdict(at: desk.now, medianStep: desk.medianStep) else { return }
    // When mpirun ends all, ranks die one after the other.
    if verdict.kind == .died, desk.isEnding { return end(Watchdog.exitCode) }
    desk.announce(verdict)
    end(Watchdog.exitCode)
    // mpirun notices a process that has died, and ends with a code that tells how.
    if verdict.kind != .died { desk.end(Watchdog.exitCode) }
  }

  /// The run ends: all others know, and nobody waits longer than a grace period.
  private mutating func end(_ exitCode: Int32) {
    deadline = (desk.deadline, exitCode)
    tellAll(desk.beat(qat_beat_aborting, exitCode: exitCode))
  }

  /// Also those that have not said yet who they are: the run may be short.
  private func tellAll(_ beat: qat_beat) {
    for connection in connections { _ = connection.send(beat) }
  }
}
