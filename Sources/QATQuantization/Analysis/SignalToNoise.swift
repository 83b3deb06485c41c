#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The power of values and of the error that quantization makes of them.
public struct SignalToNoise: Sendable, Hashable, BitwiseCopyable {
  /// Sum of the squares of the exact values.
  public var signal = 0.0
  /// Sum of the squares of the errors.
  public var noise = 0.0

  /// No values yet.
  public init() {}

  /// The signal-to-quantization-noise ratio in decibels, 10 · log₁₀(signal / noise); infinite without an error.
  public var decibels: Double { noise == 0 ? .infinity : 10 * log10(signal / noise) }

  mutating func add(_ exact: Float, became value: Float) {
    let error = Double(value) - Double(exact)
    signal += Double(exact) * Double(exact)
    noise += error * error
  }

  mutating func add(_ other: SignalToNoise) {
    signal += other.signal
    noise += other.noise
  }
}
