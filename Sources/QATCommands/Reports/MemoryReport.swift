import Foundation
import QAT

/// The memory that a rank's training takes by count, and what it costs to keep it within a limit.
struct MemoryReport {
  var memory: TrainingMemory
  var limit: MemorySize?

  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("counted_bytes", .integer(memory.total)), .init("activation_bytes", .integer(memory.activations)),
      .init("parameter_bytes", .integer(memory.parameters)), .init("sample_bytes", .integer(memory.samples)),
      .init("teacher_bytes", .integer(memory.teacher)),
    ]
    if let limit { members.append(.init("limit_bytes", .integer(limit.byteCount))) }
    members += [
      .init("unlimited_bytes", .integer(memory.unlimited)), .init("recomputed_share", .number(memory.recomputation?.forwardShare ?? 0)),
      .init("recomputed_steps", .object(kinds.map { .init($0.key, .integer($0.value)) })),
    ]
    return .object(members)
  }

  /// What takes the memory, and what is computed twice.
  /// - Parameter width: of the titles in front of the lines.
  /// - Returns: one line, or two.
  func lines(titleWidth width: Int) -> [String] {
    [("counted", sum), ("limit", cost), ("saved", saving)].compactMap { title, text in
      text.map { title.padding(toLength: width, withPad: " ", startingAt: 0) + $0 }
    }
  }

  private var sum: String? {
    let parts = [
      (memory.activations, "activations and their gradients"), (memory.parameters, "parameters and what is kept for them"),
      (memory.samples, "samples"),
      (memory.teacher, "the teacher"),
    ]
    let words = parts.filter { $0.0 > 0 }.map { "\(Numbers.bytes($0.0)) \($0.1)" }
    return "\(Numbers.bytes(memory.total)) a rank: \(words.joined(separator: ", "))"
  }

  /// What the limit costs; nil without one.
  var cost: String? {
    guard let limit else { return nil }
    guard let recomputation = memory.recomputation, !kinds.isEmpty else { return "\(limit): nothing is computed twice" }
    return "\(limit): instead of \(Numbers.bytes(memory.unlimited)), \(words(recomputation))"
  }

  /// What is saved without a limit, by what costs next to nothing; nil with one, and where that is nothing.
  private var saving: String? {
    guard limit == nil, let recomputation = memory.recomputation, !kinds.isEmpty else { return nil }
    return "\(Numbers.bytes(memory.unlimited - memory.total)) of \(Numbers.bytes(memory.unlimited)), \(words(recomputation))"
  }

  private func words(_ recomputation: Recomputation) -> String {
    let steps = kinds.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    return "by about \(Numbers.fixed(100 * recomputation.forwardShare, 1)) % of the forward pass computed twice (\(steps))"
  }

  /// Kinds of steps that run twice, the most frequent first.
  private var kinds: [(key: String, value: Int)] { (memory.recomputation?.kinds ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) } }
}
