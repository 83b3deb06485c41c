/// In what form gradients travel between ranks.
public enum GradientPrecision: String, Sendable, Hashable, Codable, CaseIterable {
  /// As they are.
  case float32
  /// In half as many bytes, with eight bits of precision: each rank's part is rounded, the parts are added in float32 in rank order, the sum is rounded once.
  /// Quantizer parameters, batch statistics and the trailer stay in float32.
  case bfloat16
}
