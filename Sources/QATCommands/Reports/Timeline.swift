import Foundation
import QAT

/// What training steps did and when, over all ranks, in the trace event format that chrome://tracing and Perfetto show ("Trace Event Format", Google): a process is a rank, a row in it
/// its training thread or one of the memories that batches are read into.
struct Timeline {
  /// The file's bytes on rank 0; nil on the others.
  let contents: Data?

  /// Gathers what all ranks have noted. All ranks call it together.
  /// - Throws: the communicator's error.
  init(_ recorder: StepRecorder, _ communicator: any Communicator) throws {
    let own = Array(Self.events(of: recorder.spans, rank: communicator.rank, node: communicator.node).utf8)
    var text = Data("{\"displayTimeUnit\":\"ms\",\"otherData\":\(Self.facts(communicator).text(.oneLine)),\"traceEvents\":[\n".utf8)
    // One after the other, so that only rank 0 ever holds the notes of more than two.
    for rank in 0..<communicator.size {
      let events = try communicator.broadcast(rank == communicator.rank ? own : [], from: rank)
      if communicator.isRoot { text += (rank == 0 ? [] : Array(",\n".utf8)) + events }
    }
    contents = communicator.isRoot ? text + Data("\n]}\n".utf8) : nil
  }

  /// Writes the file on rank 0.
  /// - Throws: `FileError`.
  func write(to path: String) throws(FileError) {
    if let contents { try replaceFiles([(path, contents)]) }
  }

  private static func facts(_ communicator: any Communicator) -> JSONValue {
    ["ranks": .integer(communicator.size), "threads": .integer(EngineEnvironment.threadCount), "environment": .string(EngineEnvironment.description)]
  }

  /// The events of a rank, one a line, with commas between them.
  private static func events(of spans: [StepRecorder.Span], rank: Int, node: String) -> String {
    let process: JSONValue = .integer(rank)
    func name(_ what: String, _ thread: Int, _ value: JSONValue, key: String = "name") -> JSONValue {
      ["name": .string(what), "ph": "M", "pid": process, "tid": .integer(thread), "args": .object([.init(key, value)])]
    }
    var events = [
      name("process_name", 0, "rank \(rank) on \(node)"), name("process_sort_index", 0, process, key: "sort_index"),
      name("thread_name", 0, "training"),
    ]
    for thread in Set(spans.map(\.thread)).sorted() where thread > 0 { events.append(name("thread_name", thread, "batch memory \(thread)")) }
    events += spans.map { $0.event(process) }
    return events.map { $0.text(.oneLine) }.joined(separator: ",\n")
  }
}

extension StepRecorder.Span {
  /// The row that shows it.
  fileprivate var thread: Int { if case .reading(let memory) = kind { memory + 1 } else { 0 } }

  private var category: String {
    switch kind {
    case .step: "step"
    case .phase: "phase"
    case .kernel: "kernel"
    case .reading: "reading"
    }
  }

  /// A complete event, in microseconds.
  fileprivate func event(_ process: JSONValue) -> JSONValue {
    var facts: [JSONValue.Member] = []
    for (amount, name, rate) in [(byteCount, "bytes", "GB/s"), (operationCount, "operations", "GOP/s")] where amount > 0 {
      let billions = Double(amount) / Double(max(end - start, 1))
      facts += [.init(name, .integer(amount)), .init(rate, .number((billions * 1000).rounded() / 1000))]
    }
    var members: [JSONValue.Member] = [
      .init("name", .string(name)), .init("cat", .string(category)), .init("ph", "X"), .init("ts", .number(Double(start) / 1000)),
      .init("dur", .number(Double(end - start) / 1000)), .init("pid", process), .init("tid", .integer(thread)),
    ]
    if !facts.isEmpty { members.append(.init("args", .object(facts))) }
    return .object(members)
  }
}
