import Foundation
import Testing

extension ParallelTests {
  @Suite("Communication")
  struct Communication {
    @Test("every rank knows its number", arguments: [1, 2, 4])
    func ranks(size: Int) throws {
      let run = try ParallelRun("who", ranks: size)
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(run.lines == Dictionary(uniqueKeysWithValues: (0..<size).map { ($0, ["\($0) of \(size) MPICommunicator"]) }))
    }

    @Test("without mpirun there is one process and no MPI")
    func alone() throws {
      let run = try ParallelRun("who", ranks: nil)
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(run.lines == [0: ["0 of 1 SingleProcess"]])
    }

    /// 3 is Rabenseifner's, twice as fast in place as Open MPI's choice.
    @Test("nonblocking sums take the algorithm that is fast in place, unless the environment says another", arguments: [nil, "2"])
    func algorithm(said: String?) throws {
      let environment = said.map { ["OMPI_MCA_coll_libnbc_iallreduce_algorithm": $0] } ?? [:]
      let run = try ParallelRun("who", "algorithm", ranks: 2, environment: environment)
      #expect(run.exitCode == 0, "\(run.errors)")
      for rank in 0..<2 { #expect(run.lines[rank] == ["\(rank) of 2 MPICommunicator by \(said ?? "3")"]) }
    }

    /// The environment goes before such a file, so what the file says must not be set there.
    @Test("… or Open MPI's file of parameters does")
    func algorithmOfAFile() throws {
      let home = FileManager.default.temporaryDirectory.appendingPathComponent("parallel-home-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: home.appendingPathComponent(".openmpi"), withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: home) }
      try "# mine\n  coll_libnbc_iallreduce_algorithm =2"
        .write(to: home.appendingPathComponent(".openmpi/mca-params.conf"), atomically: true, encoding: .utf8)
      let run = try ParallelRun("who", "algorithm", ranks: 2, environment: ["HOME": home.path])
      #expect(run.exitCode == 0, "\(run.errors)")
      for rank in 0..<2 { #expect(run.lines[rank] == ["\(rank) of 2 MPICommunicator by its own choice"]) }
    }

    /// Whole messages, and messages cut into pieces of two elements.
    @Test("collectives give the right values on every rank", arguments: [1, 2, 4], [nil, "2"])
    func collectives(size: Int, longest: String?) throws {
      let run = try ParallelRun("collectives", ranks: size, environment: longest.map { ["PARALLEL_WORKER_LONGEST_MESSAGE": $0] } ?? [:])
      #expect(run.exitCode == 0, "\(run.errors)")
      func line(_ name: String, _ factor: Int) -> String {
        let values = (1...5).map { $0 * factor }
        return "\(name) \(values.map(Float.init)) \(values.map(Double.init)) \(values)"
      }
      let expected = [
        line("sum", size * (size + 1) / 2), line("minimum", 1), line("maximum", size),
        "broadcast \((0..<7).map { 10 * (size - 1) + $0 })", "allgather \((0..<size).map { [Int](repeating: $0, count: $0) })",
      ]
      for rank in 0..<size { #expect(run.lines[rank] == expected) }
    }

    @Test("prepared sums can be started again, polled, and completed in any order", arguments: [1, 2, 4], [nil, "70000"])
    func preparedSums(size: Int, longest: String?) throws {
      let run = try ParallelRun("prepared-sums", ranks: size, environment: longest.map { ["PARALLEL_WORKER_LONGEST_MESSAGE": $0] } ?? [:])
      #expect(run.exitCode == 0, "\(run.errors)")
      let total = Float(size * (size + 1) / 2)
      let expected = ["never started: true"] + (1...4).map { "step \($0): \(total * Float($0)) \(total * Float($0) * 100)" }
      for rank in 0..<size { #expect(run.lines[rank] == expected) }
    }

    @Test("all ranks together see the same batches for every number of ranks")
    func shards() throws {
      let runs = try [1, 2, 4].map { try ParallelRun("shards", ranks: $0) }
      for run in runs { #expect(run.exitCode == 0, "\(run.errors)") }
      #expect(runs[0].lines[0]?.count == 14)
      #expect(runs[0].lines == runs[1].lines)
      #expect(runs[0].lines == runs[2].lines)
    }
  }
}
