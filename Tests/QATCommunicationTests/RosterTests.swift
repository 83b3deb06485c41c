import Testing

@testable import QATCommunication

@Suite("Who is late")
struct RosterTests {
  private static func roster(_ size: Int = 3, timeout: Double = 5) -> Roster {
    Roster(rank: 0, watching: (0..<size).map { .init(rank: $0, node: "n\($0)") }, limits: StallLimits(timeout: timeout))
  }
  private static func at(_ phase: WorkPhase, step: Int = 7, call: String? = nil, age: Double = 0, limit: Double = 0) -> Whereabouts {
    Whereabouts(step: step, phase: phase.rawValue, call: call, age: age, limit: limit)
  }

  @Test("nobody is late who is heard and moves on")
  func well() {
    var roster = Self.roster()
    for time in 0..<20 {
      for rank in 0..<3 { roster.hear(rank, Self.at(.forward), at: Double(time)) }
      #expect(roster.verdict(at: Double(time) + 0.5, medianStep: 0.1) == nil)
      #expect(roster.news(at: Double(time) + 0.5, medianStep: 0.1).isEmpty)
    }
  }

  @Test("who is not heard is warned of, then named before the timeout with what it did last; who waits is named with what for")
  func silent() throws {
    var roster = Self.roster()
    roster.hear(1, Self.at(.backward, step: 812), at: 10)
    for (rank, call) in [(0, nil), (2, "MPI_Waitall")] as [(Int, String?)] { roster.hear(rank, Self.at(.exchanging, step: 812, call: call), at: 13) }
    #expect(roster.verdict(at: 13.9, medianStep: 0) == nil)
    #expect(roster.news(at: 13, medianStep: 0) == ["rank 1 (node n1) is late: last heard 3.0 s ago in step 812, backward pass"])
    #expect(roster.news(at: 13.1, medianStep: 0).isEmpty, "each once")
    for rank in [0, 2] { roster.hear(rank, Self.at(.exchanging, step: 812), at: 14.5) }
    let verdict = try #require(roster.verdict(at: 14.5, medianStep: 100), "silence does not depend on how long a step takes")
    #expect(verdict.kind == .silent)
    #expect(
      verdict.text.hasPrefix(
        "rank 1 (node n1) is late: last heard 4.5 s ago in step 812, backward pass; ranks 0, 2 wait for the gradient sum of step 812. It is stopped"))
  }

  @Test("who is heard again goes on")
  func recovered() {
    var roster = Self.roster(timeout: 60)
    for rank in 0..<3 { roster.hear(rank, Self.at(.forward), at: 0) }
    roster.hear(0, Self.at(.exchanging), at: 10)
    roster.hear(1, Self.at(.exchanging), at: 10)
    #expect(roster.news(at: 10, medianStep: 0).count == 1)
    roster.hear(2, Self.at(.forward), at: 11)
    #expect(roster.news(at: 11, medianStep: 0) == ["rank 2 (node n2) goes on: step 7, forward pass"])
  }

  @Test(
    "who lives but does not move on is late only after twenty steps' time, and after what its phase may take", arguments: [(0.1, 5.0), (1.0, 20.0)])
  func stuck(median: Double, limit: Double) throws {
    var roster = Self.roster()
    func hear(idle: Double, phase: WorkPhase, patience: Double = 0) {
      roster.hear(0, Self.at(.forward, call: "MPI_Barrier", age: idle), at: 100)
      roster.hear(1, Self.at(phase, age: idle, limit: patience), at: 100)
      roster.hear(2, Self.at(.exchanging, age: idle), at: 100)
    }
    hear(idle: limit - 0.1, phase: .backward)
    #expect(roster.verdict(at: 100, medianStep: median) == nil)
    hear(idle: limit + 0.1, phase: .backward)
    let verdict = try #require(roster.verdict(at: 100, medianStep: median))
    #expect(verdict.kind == .stuck && verdict.late.map(\.rank) == [1])
    #expect(verdict.text.contains("rank 0 waits for a barrier of step 7 (forward pass); rank 2 waits for the gradient sum of step 7"))
    hear(idle: limit + 0.1, phase: .saving, patience: 3600)
    #expect(roster.verdict(at: 100, medianStep: median) == nil)
  }

  @Test("when all wait, nobody is named but what each waits for; a rank that was never heard is named first")
  func deadlock() throws {
    var roster = Self.roster()
    roster.hear(0, Self.at(.exchanging, age: 6), at: 100)
    roster.hear(1, Self.at(.exchanging, age: 6), at: 100)
    let unheard = try #require(roster.verdict(at: 100, medianStep: 0))
    #expect(unheard.kind == .unheard && unheard.text.hasPrefix("rank 2 (node n2) has never been heard"))
    roster.hear(2, Self.at(.evaluating, step: 6, call: "MPI_Bcast", age: 6), at: 100)
    let verdict = try #require(roster.verdict(at: 100, medianStep: 0))
    #expect(verdict.kind == .deadlock)
    #expect(
      verdict.text.hasPrefix("no rank moves on; ranks 0, 1 wait for the gradient sum of step 7; rank 2 waits for a broadcast of step 6 (evaluation)"))
  }

  @Test("who has said goodbye is neither late nor dead; whose connection ends without a word has died")
  func ends() throws {
    var roster = Self.roster()
    for rank in 0..<3 { roster.hear(rank, Self.at(.updating), at: 0) }
    roster.leave(1)
    roster.lose(1, at: 2)
    roster.hear(0, Self.at(.ending, call: "MPI_Finalize"), at: 3)
    roster.hear(2, Self.at(.updating), at: 3)
    #expect(roster.verdict(at: 3, medianStep: 0) == nil)
    roster.lose(2, at: 3)
    let verdict = try #require(roster.verdict(at: 3.1, medianStep: 0))
    #expect(verdict.kind == .died)
    #expect(
      verdict.text.hasPrefix("rank 2 (node n2) has died in step 7, update; rank 0 waits for the end of the run of step 7 (ending). Its own message"))
  }

  @Test("a rank that watches rank 0 alone judges its silence and death, not what it waits for")
  func watchingTheRoot() throws {
    var roster = Roster(rank: 2, watching: [.init(rank: 0, node: "n0")], limits: StallLimits(timeout: 5))
    #expect(roster.verdict(at: 100, medianStep: 0) == nil)
    roster.hear(0, Self.at(.forward, age: 50), at: 100)
    #expect(roster.verdict(at: 101, medianStep: 0) == nil)
    #expect(roster.verdict(at: 104.5, medianStep: 0)?.kind == .silent)
    roster.lose(0, at: 101)
    #expect(roster.verdict(at: 101.1, medianStep: 0)?.kind == .died)
  }

  /// Four ranks on two nodes, all in the same step.
  private static func twoNodes() -> Roster {
    var roster = Roster(rank: 0, watching: (0..<4).map { .init(rank: $0, node: "n\($0 / 2)") }, limits: StallLimits(timeout: 5))
    for rank in 0..<4 { roster.hear(rank, at(.forward), at: 10) }
    return roster
  }

  @Test("the ranks of a node that dies are named together, whichever ends first")
  func deadNode() throws {
    var roster = Self.twoNodes()
    #expect(roster.nextVerdict == nil)
    roster.lose(3, at: 10.02)
    #expect(roster.verdict(at: 10.06, medianStep: 0) == nil, "others may follow")
    roster.lose(2, at: 10.07)
    let moment = try #require(roster.nextVerdict)
    #expect(moment > 10.07 && moment < 10.2, "and the verdict falls soon")
    let verdict = try #require(roster.verdict(at: moment, medianStep: 0))
    #expect(verdict.late.map(\.rank) == [2, 3])
    #expect(
      verdict.text.hasPrefix(
        "rank 2 (node n1) has died in step 7, forward pass, rank 3 (node n1) has died in step 7, forward pass: all ranks of node n1. "))
  }

  @Test("one dead rank of a node does not stand for the node")
  func deadRank() throws {
    var roster = Self.twoNodes()
    roster.lose(3, at: 10)
    #expect(try #require(roster.verdict(at: 10.1, medianStep: 0)).text.hasPrefix("rank 3 (node n1) has died in step 7, forward pass. "))
  }

  @Test("ranks that fall silent together are named together, although one was heard a little later")
  func cutNode() throws {
    var roster = Self.twoNodes()
    for rank in [0, 1, 3] { roster.hear(rank, Self.at(.forward), at: 10.4) }
    for rank in [0, 1] { roster.hear(rank, Self.at(.exchanging), at: 14) }
    let verdict = try #require(roster.verdict(at: 14.1, medianStep: 0))
    #expect(verdict.kind == .silent && verdict.late.map(\.rank) == [2, 3] && verdict.wholeNodes == ["n1"])
  }

  @Test("what a rank says of itself arrives as it was said")
  func message() {
    let said = Whereabouts(step: 812, phase: WorkPhase.evaluating.rawValue, call: "MPI_Allgatherv", age: 1.5, limit: 3600)
    let beat = said.beat(run: 99, rank: 3, kind: 2, exitCode: 6)
    #expect(Whereabouts(beat) == said && beat.run == 99 && beat.rank == 3 && beat.exit_code == 6)
    var long = said
    long.call = String(repeating: "x", count: 100)
    #expect(Whereabouts(long.beat(run: 1, rank: 0, kind: 2)).call?.count == 31)
  }

  @Test("what rank 0 tells all watchdogs fits a record of one size", arguments: [(0, 600), (3, 0), (200, 0.5)])
  func post(addresses: Int, timeout: Double) {
    let limits = timeout > 0 ? StallLimits(timeout: timeout) : nil
    let post = WatchPost(run: .max, limits: limits, port: 65535, addresses: (0..<addresses).map { "10.0.0.\($0)" })
    #expect(post.record.count == 1024)
    let read = WatchPost(post.record)
    #expect(read.run == post.run && read.port == post.port && read.limits == limits && (addresses > 100 || read == post))
  }
}
