import QATCommunication
import QATEngine

/// Brings the parameters that each rank has updated to all ranks.
final class ParameterGather {
  private let gatherings: [any PreparedCollective]

  /// Prepares the gathering. All ranks do so together.
  /// - Throws: the communicator's error.
  init(of state: ModelState, _ shards: ParameterShards, _ communicator: any Communicator) throws {
    gatherings = try shards.segments.map { segments in
      try communicator.preparedGather(
        in: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: state.parameters.elements[segments.range])),
        parts: segments.bytes(ofElementSize: MemoryLayout<Float>.stride))
    }
  }

  /// Gathers, and waits.
  func run() throws {
    for gathering in gatherings { try gathering.start() }
    for gathering in gatherings { try gathering.wait() }
  }
}
