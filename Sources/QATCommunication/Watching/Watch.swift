import CWatching

/// The watchdog's thread, the same on every rank: tells its contacts that this rank lives, watches them, and decides.
struct Watch<Lines: Contacts> {
  private let desk: WatchDesk
  private var contacts: Lines
  private var roster: Roster
  private var nextBeat = 0.0
  private var deadline: (time: Double, exitCode: Int32)?
  private var hasLeft = false

  /// A watch over those at the other ends of `contacts`.
  init(_ desk: WatchDesk, _ contacts: Lines) {
    self.desk = desk
    self.contacts = contacts
    let members = contacts.watched(among: desk.nodes.count).map { Roster.Member(rank: $0, node: desk.nodes[$0]) }
    roster = Roster(rank: desk.rank, watching: members, limits: desk.limits)
  }

  /// Watches until the run has ended.
  consuming func run(_ watchdog: Watchdog) {
    while watchdog.request != .stop {
      obey(watchdog)
      if let (time, exitCode) = deadline, desk.now > time { desk.end(exitCode) }
      for event in contacts.events(desk) { note(event) }
      if desk.now >= nextBeat { beat() }
      judge()
      let (reading, ending) = contacts.sockets
      let next = min(nextBeat, roster.nextVerdict ?? nextBeat)
      waitForSockets(reading: [desk.wakeUp] + reading, ending: ending, seconds: min(next - desk.now, contacts.longestPause))
      desk.clearWakeUp()
    }
    contacts.tell(desk.beat(qat_beat_leaving))
    contacts.end()
    watchdog.announced()
  }

  private mutating func obey(_ watchdog: Watchdog) {
    switch watchdog.request {
    case .watch, .stop: return
    case .leave:
      if hasLeft { return }
      hasLeft = true
      contacts.tell(desk.beat(qat_beat_leaving))
    case .abort(let exitCode):
      if deadline != nil { return }
      end(exitCode)
    }
    watchdog.announced()
  }

  private mutating func note(_ event: ContactEvent) {
    switch event {
    case .reached: nextBeat = 0
    case .lost(let rank): roster.lose(rank, at: desk.now)
    case .said(let beat):
      let rank = Int(beat.rank)
      switch Int(beat.kind) {
      case Int(qat_beat_leaving): roster.leave(rank)
      case Int(qat_beat_aborting):
        roster.leave(rank)
        if deadline == nil { end(beat.exit_code) }
      default: roster.hear(rank, Whereabouts(beat), at: desk.now)
      }
    }
  }

  /// Says that this rank lives, and warns of others that may not.
  private mutating func beat() {
    nextBeat = desk.now + desk.limits.interval
    roster.hear(desk.rank, .own, at: desk.now)
    if !hasLeft { contacts.tell(desk.beat(qat_beat_beat)) }
    // Rank 1 warns of rank 0 only.
    if deadline == nil, desk.rank <= 1 {
      for sentence in roster.news(at: desk.now, medianStep: desk.medianStep) { desk.warn(sentence) }
    }
  }

  private mutating func judge() {
    guard deadline == nil, let verdict = roster.verdict(at: desk.now, medianStep: desk.medianStep) else { return }
    // Also for a rank 0 that has only been stopped, and goes on when mpirun ends it.
    end(Watchdog.exitCode)
    // mpirun asks all ranks to end as soon as it misses a node, and kills them a second later, one after the other: deaths from then on are no news.
    if let asked = desk.askedToEnd, let death = roster.firstDeath, death > asked + 0.5 { return }
    let turn = desk.turn
    waitForSockets(reading: [], ending: [], seconds: turn)
    // Another rank has spoken meanwhile.
    if turn > 0, desk.askedToEnd != nil { return }
    desk.announce(verdict)
    // mpirun notices a process that has died, and ends with a code that tells how.
    if verdict.kind != .died { desk.end(Watchdog.exitCode) }
  }

  /// The run ends: those who hear this rank know, and nobody waits longer than a grace period.
  private mutating func end(_ exitCode: Int32) {
    deadline = (desk.deadline, exitCode)
    contacts.tell(desk.beat(qat_beat_aborting, exitCode: exitCode))
  }
}
