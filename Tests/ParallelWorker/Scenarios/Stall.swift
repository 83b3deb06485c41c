import Foundation
import QATCommunication

/// `stall KIND RANK [FILE]`: every rank takes small steps; in its twentieth, RANK comes to the fault KIND: `stop`, `die`, `trap`, `hang`, or `none`.
/// Rank 0 makes FILE when the ranks are on their way.
@Sendable func stallScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count >= 2 else { throw ScenarioError("kind, rank, file") }
  // As training does: mpirun's request to end leaves a second for what is to be said.
  StopRequest.watch()
  let isVictim = arguments[1] == "\(communicator.rank)"
  let deadline = Date(timeIntervalSinceNow: 60)
  var sum = [1.0]
  var step = 0
  while Date() < deadline {
    step += 1
    WorkPhase.beginStep(step)
    WorkPhase.forward.begin()
    // Twenty steps are two heartbeats: the others know in which step a rank was last heard.
    usleep(50_000)
    WorkPhase.backward.begin()
    if step == 20, isVictim { try meet(arguments[0]) }
    if step == 20, communicator.isRoot, arguments.count == 3 { try Data().write(to: URL(fileURLWithPath: arguments[2])) }
    WorkPhase.exchanging.begin()
    try sum.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
  }
  communicator.say("nothing has happened")
}

private func meet(_ kind: String) throws {
  switch kind {
  case "stop": kill(getpid(), SIGSTOP)
  case "die": kill(getpid(), SIGKILL)
  case "trap": fatalError("the scenario asks for it")
  case "throw": throw ScenarioError("the scenario asks for it", exitCode: 5)
  case "hang": while true { sleep(1) }
  default: break
  }
}
