import QATData
import QATGraph
import QATJSON

/// What training minimises on the targets of the data (`loss`).
public struct LossConfiguration: Sendable, Hashable, Codable {
  /// The function (`type`).
  public var kind: TaskLoss
  /// `cross_entropy`: the label of samples, pixels or tokens that do not count (`ignore_index`). The default is PyTorch's.
  public var ignoreIndex = -100
  /// `huber`: the error from which it grows linearly (`delta`), above 0.
  public var delta = 1.0
  /// The network's output that it is a function of (`output`); nil for the only one.
  public var output: String?

  /// A function with its defaults.
  public init(_ kind: TaskLoss = .crossEntropy) { self.kind = kind }

  /// The cross-entropy of classes.
  public static let crossEntropy = LossConfiguration(.crossEntropy)
  /// Nothing but a teacher.
  public static let none = LossConfiguration(.none)

  /// Whether targets are looked at.
  public var readsTargets: Bool { kind != .none }

  /// How targets are read: whole numbers are classes for a cross-entropy, and numbers for the others.
  public var targetReading: TargetReading {
    switch kind {
    case .none: .none
    case .crossEntropy: .asStored
    case .binaryCrossEntropy, .mse, .l1, .huber: .asNumbers
    }
  }

  /// Reads a word, or an object.
  static let rule = ValueRule<LossConfiguration>(
    expecting: "the name of a loss or an object",
    read: { node, problems in
      guard node.members != nil else { return ValueRule<TaskLoss>.choice().read(node, &problems).map { LossConfiguration($0) } }
      var loss = LossConfiguration()
      guard schema.read(node, into: &loss, &problems) else { return nil }
      loss.warnOfIneffectiveKeys(node, &problems)
      return loss
    },
    write: { loss in
      if loss == LossConfiguration(loss.kind) { return .string(loss.kind.rawValue) }
      guard case .object(let members) = schema.write(loss) else { return nil }
      return .object(members.filter { loss.ineffective[$0.key] == nil })
    })

  private static let schema = ObjectSchema<LossConfiguration>(
    [
      SchemaKey("type", \.kind, .choice()).required,
      SchemaKey("ignore_index", \.ignoreIndex, .integer(atLeast: Int(Int32.min), atMost: Int(Int32.max))),
      SchemaKey("delta", \.delta, .positive),
      SchemaKey("output", optional: \.output, .text),
    ],
    misplaced: ["label_smoothing": "it stands at the root", "beta": "it is called \"delta\"", "reduction": "it is always the mean"])

  /// Keys that the chosen function does not use, and who would.
  private var ineffective: [String: String] {
    var keys: [String: String] = [:]
    if kind != .crossEntropy { keys["ignore_index"] = "it serves \"cross_entropy\"" }
    if kind != .huber { keys["delta"] = "it serves \"huber\"" }
    return keys
  }

  private func warnOfIneffectiveKeys(_ node: JSONNode, _ problems: inout ProblemList) {
    for member in node.members ?? [] {
      guard let reason = ineffective[member.key] else { continue }
      problems.warning("\"\(member.key)\" has no effect: \(reason), and \"type\" is \"\(kind.rawValue)\"", at: member)
    }
  }
}

extension RunConfiguration {
  /// The loss of a network on targets of some kind. Without a loss of the task, the network's scores are judged by classes where they can be.
  /// - Parameters:
  ///   - graph: the network.
  ///   - target: what samples say of the output.
  ///   - smooths: whether labels are smoothed, as in training.
  /// - Returns: the loss.
  /// - Throws: `TrainingError` when the network has no such output; `GraphError` when the graph is none.
  public func makeLoss(of graph: Graph, target: SampleTarget, smooths: Bool) throws -> any OutputLoss {
    func elementwise(_ kind: ElementwiseLoss.Kind) throws -> any OutputLoss { try ElementwiseLoss(kind, of: graph, output: loss.output) }
    switch loss.kind {
    case .none, .crossEntropy:
      return try CrossEntropy(
        of: graph, labelSmoothing: smooths ? Float(labelSmoothing) : 0, ignoreIndex: loss.ignoreIndex, output: loss.output, target: target)
    case .binaryCrossEntropy: return try elementwise(.binaryCrossEntropy)
    case .mse: return try elementwise(.squared)
    case .l1: return try elementwise(.absolute)
    case .huber: return try elementwise(.huber(delta: loss.delta))
    }
  }
}
