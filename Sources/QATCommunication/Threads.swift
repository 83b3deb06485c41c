import CWatching
import Foundation

/// Threads a rank that the user has asked for with `OMP_NUM_THREADS`; nil when that says nothing.
public func requestedThreadCount() -> Int? {
  ProcessInfo.processInfo.environment["OMP_NUM_THREADS"]?.split(separator: ",").first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
}

/// Threads that a rank should compute with when the user has not said. `OMP_NUM_THREADS` has precedence.
public func defaultThreadCount() -> Int {
  if let requested = requestedThreadCount() { return requested }
  let machine = ProcessInfo.processInfo.processorCount
  let granted = launcherProcess().map { Int(qat_processor_count($0)) } ?? machine
  let ranksHere = ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_LOCAL_SIZE"].flatMap { Int($0) } ?? 1
  return defaultThreadCount(own: ProcessInfo.processInfo.activeProcessorCount, granted: granted > 0 ? granted : machine, ranksHere: ranksHere)
}

/// A rank that was bound has its processors to itself; one that may run on all that the node gives to the run shares them with the node's other ranks.
func defaultThreadCount(own: Int, granted: Int, ranksHere: Int) -> Int { own < granted ? own : max(1, own / max(1, ranksHere)) }

/// The process on this node that started the ranks for Open MPI (mpirun, or orted where mpirun runs elsewhere). It may run on all processors that the node
/// gives to the run, while the ranks may be bound to some of them.
/// - Returns: its number; nil without one, as under srun.
public func launcherProcess() -> Int32? {
  let launcher = qat_launcher()
  return launcher > 0 ? launcher : nil
}
