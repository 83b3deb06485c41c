import QATJSON

/// What a `knowledge_distillation` section says: the network in training is drawn towards the fp32 network it was made from.
public struct KnowledgeDistillation: Sendable, Hashable, Codable {
  /// How the two networks' outputs are compared.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// The mean of the squared differences.
    case mse
    /// The cross-entropy of the softened classes. Hinton et al. 2015, arXiv:1503.02531.
    case softmax
  }

  /// How the outputs are compared (`type`).
  public var kind: Kind
  /// Factor of the loss (`scale`).
  public var scale = 1.0
  /// `softmax`: what the scores are divided by before (`temperature`).
  public var temperature = 1.0

  /// A comparison with NNCF's defaults.
  public init(_ kind: Kind) { self.kind = kind }

  /// The section's name among the algorithms.
  static let algorithm = "knowledge_distillation"

  static let schema = ObjectSchema<KnowledgeDistillation>(
    [
      // Whoever reads the section has looked at the algorithm already.
      SchemaKey("algorithm", read: { _, _, _ in }, write: { _ in .string(algorithm) }),
      SchemaKey("type", \.kind, .choice()).required,
      SchemaKey("scale", \.scale, .positive),
      SchemaKey("temperature", read: readTemperature, write: { $0.kind == .softmax ? .number($0.temperature) : .none }),
    ], misplaced: ["loss": "it is called \"type\"", "weight": "it is called \"scale\""])

  /// Read after the type, which decides whether there is a temperature.
  @Sendable private static func readTemperature(_ member: JSONMember, _ root: inout Self, _ problems: inout ProblemList) {
    guard let temperature = ValueRule<Double>.positive.read(member.value, &problems) else { return }
    if root.kind == .softmax {
      root.temperature = temperature
    } else {
      problems.error(
        "\"temperature\" cannot go with \"type\": \"\(root.kind.rawValue)\"; it softens the classes of \"softmax\". Leave it out", at: member)
    }
  }
}
