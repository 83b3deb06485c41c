import QAT
import Testing
import VirtualNodes

@testable import QATCommands

@Suite("Doctor")
struct DoctorTests {
  @Test("lists of processors are read and written as Linux does", arguments: [("0", [0]), ("0-3,8", [0, 1, 2, 3, 8]), ("2,4-5", [2, 4, 5])])
  func processors(text: String, numbers: [Int]) {
    #expect(Machine.processors(listed: "\(text)\n") == numbers)
    #expect(Machine.list(numbers) == text)
  }

  @Test(
    "the limit of a control group is a number of processors, or none",
    arguments: [("150000 100000\n", 1.5), ("max 100000\n", nil), ("-1\n 100000\n", nil), (" ", nil)])
  func quota(text: String, processors: Double?) { #expect(Machine.quota(text) == processors) }

  /// Two nodes of eight cores with two ranks each, everything as it should be; then changed.
  private func ranks(_ change: (inout RankFacts) -> Void = { _ in }) -> [RankFacts] {
    (0..<4).map { rank in
      let first = rank % 2 * 4
      var facts = RankFacts(
        rank: rank, node: "n\(rank / 2)", machine: "m\(rank / 2)", processors: Array(first..<first + 4), coreCount: 4, nodeProcessorCount: 8,
        nodeCoreCount: 8, threads: 4,
        engine: "oneDNN 2.6.3", mpi: "Open MPI v4.1.4", version: "0.1.0", interfaces: ["eth0 10.0.0.0/24"])
      change(&facts)
      return facts
    }
  }

  @Test("a good run has no warnings")
  func nothing() { #expect(warnings(about: ranks()) == []) }

  @Test("what slows a run down or lets it hang is said with place and remedy")
  func faults() {
    func only(_ change: (inout RankFacts) -> Void) -> String {
      let found = warnings(about: ranks(change))
      #expect(found.count == 1, "\(found)")
      return found.first ?? ""
    }
    let bound = warnings(about: ranks { $0.processors = [$0.rank % 2] })
    #expect(bound.count == 4)
    #expect(bound[2].hasPrefix("rank 2 (node n1) computes with 4 threads on 1 processor, to which it is bound. Give it 4 cores: "))
    #expect(bound[2].contains("--map-by slot:PE=4"))

    let crowded = warnings(about: ranks { $0.processors = [0, 1, 2, 3] })
    #expect(crowded.count == 2 && crowded[0].hasPrefix("the 2 ranks of node n0 compute with 8 threads on 4 processors. Set OMP_NUM_THREADS=2"))

    let shared = warnings(about: ranks { ($0.machine, $0.processors, $0.threads, $0.nodeCoreCount) = ("m", [$0.rank % 2], 1, 1) })
    #expect(
      shared == [
        "the 4 ranks of nodes n0, n1, which are one machine, compute with 4 threads on 2 processors. "
          + "Start fewer ranks or let waiting ones yield: --mca mpi_yield_when_idle 1"
      ])

    let idle = warnings(about: ranks { $0.threads = 1 })
    #expect(idle.count == 2 && idle[1].hasPrefix("2 threads compute on the 8 cores of node n1. To use all: OMP_NUM_THREADS=4 "))

    let container = warnings(about: ranks { $0.processorQuota = 2.5 })
    #expect(container.count == 2 && container[0].contains("a container with time for 2.5 processors") && container[0].contains("OMP_NUM_THREADS=1"))

    #expect(
      only { $0.mpi = $0.rank == 3 ? "Open MPI v5.0.3" : $0.mpi }.contains("rank 0 (node n0) Open MPI v4.1.4, rank 3 (node n1) Open MPI v5.0.3"))
    #expect(only { $0.engine = $0.rank == 1 ? "oneDNN 3.1" : $0.engine }.hasPrefix("ranks have different instruction sets or oneDNN versions"))
    #expect(
      only { $0.threads = $0.rank < 2 ? 4 : 3 }.hasPrefix("ranks have different numbers of threads: rank 0 (node n0) 4 threads, rank 2 (node n1) 3"))

    let networks = only { $0.interfaces = ["docker0 172.17.0.0/16", "eth0 10.0.0.0/24"] }
    #expect(networks.contains("node n0 has several networks (docker0 172.17.0.0/16, eth0 10.0.0.0/24)"))
    #expect(warnings(about: ranks { ($0.interfaces, $0.chosenInterfaces) = (["a 10.1.0.0/16", "b 10.2.0.0/16"], "10.1.0.0/16") }) == [])
  }

  @Test("the network that all nodes share is proposed")
  func sharedNetwork() {
    let found = warnings(about: ranks { $0.interfaces = $0.rank < 2 ? ["docker0 172.17.0.0/16", "eth0 10.0.0.0/24"] : ["eth1 10.0.0.0/24"] })
    #expect(found.count == 1 && found[0].hasSuffix("--mca btl_tcp_if_include 10.0.0.0/24 --mca oob_tcp_if_include 10.0.0.0/24"))
  }
}

extension ToolTests {
  @Suite("Doctor")
  struct Doctor {
    @Test("one process shows itself and says how to see more")
    func alone() throws {
      let run = try ToolRun("doctor", in: Scratch())
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(run.output.contains(EngineEnvironment.description) && run.output.contains("mpirun -n 2 qat doctor"))
    }

    @Test("a node has the processors that it gives to the run, also when it shares the machine with others")
    func processors() throws {
      try VirtualCluster.with(nodes: 2, processors: 1) { cluster in
        func ranks(perNode: Int) throws -> (ranks: [JSONValue], warnings: [String]) {
          let run = try ToolRun("doctor --json", in: Scratch(), ranks: 2 * perNode, on: cluster, ranksPerNode: perNode)
          let report = JSONValue(try run.json())
          guard case .array(let ranks) = report["ranks"], case .array(let warnings) = report["warnings"] else { return ([], [run.errors]) }
          return (ranks, warnings.map { if case .string(let text) = $0 { text } else { "" } })
        }
        let alone = try ranks(perNode: 1)
        #expect(alone.ranks.map { $0["node_cores"] } == [1, 1] && alone.ranks.map { $0["node_processors"] } == [1, 1])
        #expect(alone.warnings == [])
        let crowded = try ranks(perNode: 2)
        #expect(crowded.ranks.map { $0["node_processors"] } == [1, 1, 1, 1])
        #expect(
          crowded.warnings.count == 1
            && crowded.warnings[0].hasPrefix("the 4 ranks of nodes q0, q1, which are one machine, compute with 4 threads on 2 "))
      }
    }

    @Test("ranks, links and sums are measured")
    func links() throws {
      let run = try ToolRun("doctor --json", in: Scratch(), ranks: 3)
      #expect(run.exitCode == 0, "\(run.errors)")
      let report = JSONValue(try run.json())
      guard case .array(let ranks) = report["ranks"], case .array(let links) = report["links"], case .array(let sums) = report["sums"] else {
        Issue.record("\(run.output)")
        return
      }
      #expect(ranks.map { $0["rank"] } == [0, 1, 2])
      #expect(ranks.allSatisfy { $0["threads"] == 1 && $0["mpi"] == .string(MPILibrary.version) })
      #expect(links.map { $0["ranks"] } == [[0, 1], [0, 2], [1, 2]])
      #expect(sums.map { $0["bytes"] } == [65536, 1_048_576, 8_388_608])
      for measured in links.map({ $0["bytes_per_second"] }) + links.map({ $0["latency_seconds"] }) + sums.map({ $0["seconds"] }) {
        guard case .number(let number) = measured else {
          Issue.record("\(run.output)")
          return
        }
        #expect(number > 0)
      }
    }
  }
}
