import Foundation
import Testing

extension ParallelTests {
  @Suite("Training")
  struct Training {
    /// The losses that a run's metrics log holds.
    private func losses(ranks: Int?, batch: Int, steps: Int, kind: String) throws -> [Double] {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-parallel-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let run = try ParallelRun("training", folder, "\(batch)", "\(steps)", kind, ranks: ranks)
      #expect(run.exitCode == 0, "\(run.errors)")
      let expected = try #require(run.lines[0]?.first)
      #expect(expected.hasPrefix("steps \(steps) ") && expected.hasSuffix("count 99"))
      for rank in 0..<(ranks ?? 1) { #expect(run.lines[rank] == [expected], "every rank has the same evaluation") }
      struct Line: Decodable { var loss: Double? }
      let text = try String(contentsOfFile: "\(folder)/metrics.jsonl", encoding: .utf8)
      let lines = try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
      return lines.compactMap(\.loss)
    }

    @Test("several ranks follow one rank at the same global batch, fp32", arguments: [2, 4])
    func fp32(_ ranks: Int) throws {
      let one = try losses(ranks: nil, batch: 32, steps: 50, kind: "fp32")
      let several = try losses(ranks: ranks, batch: 32, steps: 50, kind: "fp32")
      #expect(one.count == 50 && several.count == 50)
      for (step, (a, b)) in zip(one, several).enumerated() {
        #expect(abs(a - b) <= 1e-4 * abs(a), "step \(step + 1): \(a) on one rank, \(b) on \(ranks)")
      }
      #expect(one[49] < one[0], "the network learns")
    }

    @Test("a gradient is clipped by its norm over the samples of all ranks", arguments: [2, 4])
    func clipped(_ ranks: Int) throws {
      let one = try losses(ranks: nil, batch: 32, steps: 30, kind: "clipped")
      let several = try losses(ranks: ranks, batch: 32, steps: 30, kind: "clipped")
      for (step, (a, b)) in zip(one, several).enumerated() {
        #expect(abs(a - b) <= 1e-4 * abs(a), "step \(step + 1): \(a) on one rank, \(b) on \(ranks)")
      }
      let free = try losses(ranks: nil, batch: 32, steps: 30, kind: "fp32")
      #expect(one.count == 30 && several.count == 30)
      #expect(zip(one, free).contains { abs($0 - $1) > 1e-3 * $1 }, "clipping has an effect")
    }

    @Test("micro-batches that are added up follow the batch they make", arguments: [nil, 2])
    func accumulated(_ ranks: Int?) throws {
      let whole = try losses(ranks: nil, batch: 32, steps: 30, kind: "fp32")
      let parts = try losses(ranks: ranks, batch: 32, steps: 30, kind: "accumulated")
      #expect(whole.count == 30 && parts.count == 30)
      for (step, (a, b)) in zip(whole, parts).enumerated() { #expect(abs(a - b) <= 1e-4 * abs(a), "step \(step + 1): \(a) whole, \(b) in parts") }
    }

    @Test("a rank whose parameters have drifted away is named with its node", arguments: [(2, 1), (3, 0)])
    func divergence(size: Int, odd: Int) throws {
      let run = try ParallelRun("divergence", "\(odd)", ranks: size)
      #expect(run.exitCode == 3)
      // Of two ranks nobody can tell which is right: the lower is taken to be.
      #expect(run.ownErrors.count == 1 && run.errors.contains("the model in training differs between ranks: rank \(odd) (node "))
      #expect(run.errors.contains("have drifted apart"))
      #expect(run.lines.isEmpty)
    }

    @Test("several ranks follow one rank at the same global batch, quantized, also with a teacher", arguments: ["quantized", "distilled"])
    func quantized(_ kind: String) throws {
      let one = try losses(ranks: nil, batch: 32, steps: 10, kind: kind)
      let two = try losses(ranks: 2, batch: 32, steps: 10, kind: kind)
      #expect(one.count == 10 && two.count == 10)
      for (step, (a, b)) in zip(one, two).enumerated() { #expect(abs(a - b) <= 1e-3 * abs(a), "step \(step + 1): \(a) on one rank, \(b) on two") }
    }

    @Test("stages, frozen statistics and a teacher give the same bytes for every number of ranks, also when the run goes on in the middle")
    func staged() throws {
      var results: Set<String> = []
      for (ranks, stop) in [(nil, 0), (2, 0), (3, 0), (2, 6)] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-parallel-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try ParallelRun("staged", "\(stop)", folder, ranks: ranks)
        #expect(run.exitCode == 0, "\(run.errors)")
        for rank in 0..<(ranks ?? 1) { results.formUnion(run.lines[rank] ?? ["rank \(rank) said nothing"]) }
      }
      #expect(results.count == 1 && results.first?.hasSuffix("stage 2") == true, "\(results)")
    }

    @Test("with batch norm over ranks, several ranks follow one rank at the same global batch", arguments: [2, 4])
    func synchronized(_ ranks: Int) throws {
      let one = try losses(ranks: nil, batch: 16, steps: 30, kind: "synchronized")
      let several = try losses(ranks: ranks, batch: 16, steps: 30, kind: "synchronized")
      #expect(one.count == 30 && several.count == 30)
      for (step, (a, b)) in zip(one, several).enumerated() {
        #expect(abs(a - b) <= 1e-3 * abs(a), "step \(step + 1): \(a) on one rank, \(b) on \(ranks)")
      }
    }

    @Test("with gradients in bfloat16, training stays within a hundredth of float32's loss", arguments: [2, 3])
    func bfloat16(_ ranks: Int) throws {
      let exact = try losses(ranks: ranks, batch: 36, steps: 30, kind: "fp32")
      let compressed = try losses(ranks: ranks, batch: 36, steps: 30, kind: "bfloat16")
      #expect(exact != compressed)
      for (step, (a, b)) in zip(exact, compressed).enumerated() {
        #expect(abs(a - b) <= 0.01 * abs(a), "step \(step + 1): \(a) in float32, \(b) in bfloat16")
      }
    }
  }
}
