extension QuantizationConfiguration {
  /// How bit widths are chosen, point by point: reference NNCF's `initializer.precision`.
  public struct PrecisionInitializer: Sendable, Hashable, Codable {
    /// Who chooses.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
      /// The configuration names quantizers and their bit widths.
      case manual
    }

    /// A quantizer and its bit width: an entry of `bitwidth_per_scope`.
    public struct Assignment: Sendable, Hashable, Codable {
      /// The bit width.
      public var bits: Int
      /// Part of a quantizer's id; the first quantizer whose id contains it is meant.
      public var scope: String

      /// An assignment.
      public init(bits: Int, scope: String) {
        self.bits = bits
        self.scope = scope
      }
    }

    /// Who chooses.
    public var kind = Kind.manual
    /// For `manual`: what is chosen; quantizers that it does not name keep the bit width that they have without it.
    public var assignments: [Assignment] = []

    /// Nothing chosen.
    public init() {}
  }
}
