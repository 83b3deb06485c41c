/// Why a network cannot be quantized as asked.
public struct QuantizationError: Error, Hashable, CustomStringConvertible {
  /// What was found, what was expected, where, what to do.
  public var description: String

  /// An error with its text.
  public init(_ description: String) { self.description = description }
}
