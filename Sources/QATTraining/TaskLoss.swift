/// What training minimises on the labels of the data.
public enum TaskLoss: String, Sendable, Hashable, Codable, CaseIterable {
  /// The cross-entropy of the network's scores.
  case crossEntropy = "cross_entropy"
  /// Nothing: labels are not looked at, and the network learns from its teacher alone.
  case none
}
