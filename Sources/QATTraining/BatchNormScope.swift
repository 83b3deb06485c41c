/// Whose samples batch norm normalises together in a training step.
public enum BatchNormScope: String, Sendable, Hashable, Codable, CaseIterable {
  /// Each rank's own; the running statistics are the mean over ranks.
  case local
  /// Those of all ranks, so that the result depends on the global batch alone: for small batches a rank. Costs two exchanges between all ranks a layer and step.
  case synchronized
}
