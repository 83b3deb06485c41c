/// The ranks that the work around this call runs with: those that `withCommunicator` has joined; outside of it, one process alone.
///
/// What takes an optional communicator uses these when it gets none.
/// - Returns: the communicator.
/// - Throws: `CommunicationError` when a launcher has started several processes but the work runs outside of `withCommunicator`: each would do all of it.
public func currentCommunicator() throws -> any Communicator {
  try CurrentCommunicator.box?.communicator ?? aloneCommunicator(Launch())
}

/// One process alone, unless a launcher has started it as one of several.
func aloneCommunicator(_ launch: Launch) throws -> SingleProcess {
  guard let launcher = launch.launcher, launch.size != 1 else { return SingleProcess() }
  throw CommunicationError(
    .launch,
    "\(launcher) has started this process as one of \(launch.size.map { "\($0)" } ?? "several"), but the work runs outside of withCommunicator, so the processes "
      + "would not know of each other. Put it into `try withCommunicator { ranks in ... }`, or pass a communicator", exitCode: 2)
}

/// What `withCommunicator` tells the work that runs in it: it ends with the work, unlike a global variable.
enum CurrentCommunicator {
  /// The communicator of the work around.
  @TaskLocal static var box: Box?

  /// Communicators are used from one thread. The box takes one no further: a task-local value that was bound by a synchronous call is seen by that call's thread.
  final class Box: @unchecked Sendable {
    let communicator: any Communicator

    init(_ communicator: any Communicator) { self.communicator = communicator }
  }
}
