import QATCommunication
import QATEngine

/// All ranks as the group whose batches batch norm normalises together: what a training `Plan` is given when `batch_norm` is `synchronized`.
public final class RankNormalization: NormalizationGroup {
  private let communicator: any Communicator
  private var failure: (any Error)?

  /// A group of all ranks; nil where each rank normalises its own batch, as configured or because there is only one.
  public init?(_ scope: BatchNormScope, _ communicator: any Communicator) {
    guard scope == .synchronized, communicator.size > 1 else { return nil }
    self.communicator = communicator
  }

  /// Number of ranks.
  public var size: Int { communicator.size }

  /// Exchanges numbers between the ranks. After an error it does nothing until `check` has thrown it.
  public func gather(_ own: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) {
    guard failure == nil else { return }
    do { try communicator.allgather(own, into: all) } catch { failure = error }
  }

  /// To be called after each pass over the plan.
  /// - Throws: the communicator's error since the last call.
  public func check() throws {
    guard let failure else { return }
    self.failure = nil
    throw failure
  }
}
