import Foundation
import QAT
import Testing

extension ToolTests {
  @Suite("Timelines")
  struct TimelineTests {
    /// Of bench three steps of every rank are noted; under a sharded optimizer parameters are gathered as well.
    @Test(arguments: [nil, 2])
    func benchShowsEveryKernelOfItsSteps(ranks: Int?) throws {
      let folder = try Scratch()
      let run = try ToolRun(
        "bench --model resnet_small --mode qat --batch-size 4 --steps 1 --profile --timeline steps.json", in: folder, ranks: ranks)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(run.errors.contains("GOP/s"))
      let trace = try Trace(folder.bytes("steps.json"))
      #expect(trace.processes == (0..<(ranks ?? 1)).map { "rank \($0) on \(ProcessInfo.processInfo.hostName)" })
      for rank in 0..<(ranks ?? 1) {
        let rows = trace.rows(ofRank: rank)
        let training = try #require(rows[0])
        try Trace.checkNesting(training)
        #expect(rows.count == 1, "bench reads no samples")
        #expect(training.filter { $0.kind == "step" }.map(\.name) == ["step 1", "step 2", "step 3"])
        #expect(
          training.filter { $0.kind == "phase" }.map(\.name)
            == (0..<3).flatMap { _ in ["forward pass", "loss", "backward pass", "gradient sum", "update"] })
        let kernels = training.filter { $0.kind == "kernel" }
        #expect(kernels.count.isMultiple(of: 3) && kernels.count > 300)
        #expect(kernels.contains { $0.name.hasPrefix("FakeQuantize backward ") && ($0.facts["bytes"]?.number?.double ?? 0) > 0 })
        #expect(
          kernels.contains { $0.name.hasPrefix("Conv backward weights ") && ($0.facts["operations"]?.number?.double ?? 0) > 0 },
          "products say how much they compute")
      }
    }

    /// What a run does in steps 11 to 20: also what the reading threads did meanwhile. The second rank's are in the same file.
    @Test(arguments: [nil, 2])
    func trainingShowsTenStepsBesideTheReadingOfTheirBatches(ranks: Int?) throws {
      let folder = try Scratch()
      let batch = 8 / (ranks ?? 1)
      let run = try ToolRun(
        "train --config int8.json --data \(Scratch.data) --checkpoint-dir run --batch-size \(batch) --epochs 1 --timeline steps.json", in: folder,
        ranks: ranks)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(run.errors.contains("the timeline of 10 steps is in steps.json"))
      let trace = try Trace(folder.bytes("steps.json"))
      #expect(trace.processes.count == ranks ?? 1)
      for rank in 0..<(ranks ?? 1) {
        let rows = trace.rows(ofRank: rank)
        #expect(Set(rows.keys) == [0, 1, 2, 3], "one row for training, and one for each memory that batches are read into")
        for row in rows.values { try Trace.checkNesting(row) }
        let training = try #require(rows[0])
        #expect(training.filter { $0.kind == "step" }.map(\.name) == (11...20).map { "step \($0)" })
        #expect(training.filter { $0.name == "waiting for a batch" }.count == 10)
        let readings = rows.filter { $0.key > 0 }.values.flatMap { $0 }
        #expect(readings.allSatisfy { $0.kind == "reading" && $0.name.hasSuffix("of epoch 1") })
        #expect((8...10).contains(readings.count), "the first two may have been read before")
      }
    }

    @Test func aShortRunShowsTheStepsThatItHas() throws {
      let folder = try Scratch()
      let run = try ToolRun(
        "train --config fp32.json --data \(Scratch.data) --checkpoint-dir run --max-steps 3 --timeline steps.json", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      let steps = try #require(try Trace(folder.bytes("steps.json")).rows(ofRank: 0)[0]).filter { $0.kind == "step" }
      #expect(steps.map(\.name) == ["step 1", "step 2", "step 3"])
    }

    @Test(arguments: ["bench --model resnet_small --mode fp32", "train --config fp32.json --data \(Scratch.data) --checkpoint-dir run"])
    func aFolderThatIsMissingIsSaidBeforeAnythingIsComputed(line: String) throws {
      let run = try ToolRun("\(line) --timeline missing/steps.json", in: Scratch())
      #expect(run.exitCode == 7)
      #expect(run.errors.contains("--timeline: nothing can be written into 'missing': No such file or directory"))
    }
  }
}

/// A file in the trace event format.
private struct Trace {
  struct Event {
    let name, kind: String
    /// In nanoseconds: the file has microseconds with three digits.
    let start, end: Int
    let facts: [String: JSONNode]
  }

  private let complete: [(rank: Int, thread: Int, event: Event)]
  /// The names of all processes, in their order.
  let processes: [String]

  init(_ contents: Data) throws {
    let root = try JSONDocument.parse(String(decoding: contents, as: UTF8.self), file: "timeline").root
    var processes: [(Int, String)] = []
    var complete: [(Int, Int, Event)] = []
    for node in try #require(root["traceEvents"]?.array) {
      func integer(_ key: String) throws -> Int { try #require(node[key]?.number?.integer) }
      func nanoseconds(_ key: String) throws -> Int { Int((try #require(node[key]?.number?.double) * 1000).rounded()) }
      let facts = Dictionary(uniqueKeysWithValues: (node["args"]?.members ?? []).map { ($0.key, $0.value) })
      switch try #require(node["ph"]?.string) {
      case "M":
        if node["name"]?.string == "process_name" { processes.append((try integer("pid"), try #require(facts["name"]?.string))) }
      case "X":
        let start = try nanoseconds("ts")
        let event = Event(
          name: try #require(node["name"]?.string), kind: try #require(node["cat"]?.string), start: start, end: start + (try nanoseconds("dur")),
          facts: facts)
        complete.append((try integer("pid"), try integer("tid"), event))
      case let other: Issue.record("an event of the kind \(other)")
      }
    }
    self.complete = complete
    self.processes = processes.sorted { $0.0 < $1.0 }.map(\.1)
  }

  /// The events of a rank's rows, in the order of the file.
  func rows(ofRank rank: Int) -> [Int: [Event]] {
    Dictionary(grouping: complete.filter { $0.rank == rank }, by: \.thread).mapValues { $0.map(\.event) }
  }

  /// Events of a row lie in each other or apart: kernels in phases, phases in steps; and what lies in another one takes no more time than it.
  static func checkNesting(_ row: [Event]) throws {
    let parents = ["phase": "step", "kernel": "phase"]
    var open: [(event: Event, inner: Int)] = []
    func close() { if let last = open.popLast() { #expect(last.inner <= last.event.end - last.event.start, "\(last.event.name)") } }
    var latest = 0
    for event in row.sorted(by: { ($0.start, $1.end) < ($1.start, $0.end) }) {
      while let last = open.last, last.event.end <= event.start { close() }
      #expect(event.start >= 0 && event.end >= event.start)
      #expect(open.last?.event.kind == parents[event.kind], "\(event.name) in \(open.last?.event.name ?? "nothing")")
      if let last = open.last {
        #expect(last.event.start <= event.start && event.end <= last.event.end, "\(event.name) in \(last.event.name)")
        open[open.count - 1].inner += event.end - event.start
      } else {
        #expect(latest <= event.start, "\(event.name) begins before what is before it has ended")
      }
      open.append((event, 0))
      latest = max(latest, event.end)
    }
    while !open.isEmpty { close() }
  }
}
