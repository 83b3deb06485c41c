import QATCommunication

/// The last rank throws while the others wait for it in a collective.
@Sendable func abortScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  if communicator.rank == communicator.size - 1 { throw ScenarioError("the scale of conv1|WEIGHT is not finite", exitCode: 5) }
  try communicator.barrier()
  communicator.say("came through")
}
