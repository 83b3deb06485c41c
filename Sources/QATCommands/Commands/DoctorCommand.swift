import ArgumentParser
import Foundation
import QAT

/// `qat doctor`.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show where the ranks of a run are, what they have, and how fast they reach each other.",
    discussion: """
      Start it as you start training, with the same words before it. It shows nodes, cores, threads, versions and memory, measures latency and bandwidth \
      between ranks and the sums that training makes, and warns of what makes a run slow or hang: threads that share a core, cores without work, nodes that \
      differ, networks that Open MPI may choose wrongly.

        mpirun -n 4 --hostfile hostfiles/two-nodes qat doctor
      """)

  @Flag(help: "One JSON object on stdout: ranks, links, sums, warnings.")
  var json = false

  func run() throws {
    try Session.run("doctor") { session in
      // Whether nodes differ is what the report is about.
      let facts = try session.communicator.begin(values: { _ in ProgramValues.program(command: session.command) }) {
        try JSONEncoder().encode(RankFacts(session.communicator))
      }
      let ranks = try session.communicator.allgather(Array(facts.result)).map { try JSONDecoder().decode(RankFacts.self, from: Data($0)) }
      let report = DoctorReport(
        ranks: ranks, links: try (session.communicator as? MPICommunicator).flatMap { $0.size > 1 ? try LinkMeasurement($0) : nil })
      try session.result(json ? report.json.text() : report.text)
      return .done
    }
  }
}
