/// The processes whose batches batch norm normalises together in training.
///
/// It stands with the engine so that the engine knows nothing of communication: plans of all processes ask it for the same exchanges in the same order.
public protocol NormalizationGroup: AnyObject {
  /// Number of processes.
  var size: Int { get }

  /// Exchanges numbers between the processes. All call it together; it allocates nothing.
  ///
  /// A pass over a plan cannot fail half-way, so an error stays with the group, whose owner asks for it after the pass; what was gathered is then meaningless.
  /// - Parameters:
  ///   - own: what this process gives; as many numbers on every process.
  ///   - all: room for the numbers of all processes, which arrive in the order of the processes.
  func gather(_ own: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>)
}
