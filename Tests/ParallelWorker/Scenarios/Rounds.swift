import QATCommunication

/// Work in ten rounds, which the last rank cuts short in its fifth: `rounds stop` because it is asked to stop, `rounds fail` because it fails, `rounds none` not at all.
@Sendable func roundsScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard let how = arguments.first else { throw ScenarioError("how") }
  var done = 0
  do {
    try communicator.inRounds(10) { round in
      done += 1
      guard round == 4, communicator.rank == communicator.size - 1 else { return }
      if how == "stop" { StopRequest.note(.interrupt) }
      if how == "fail" { throw ScenarioError("sample 7 cannot be read") }
    }
    communicator.say("\(done) rounds")
  } catch let request as StopRequest {
    communicator.say("\(done) rounds, \(request)")
  } catch {
    communicator.say("\(done) rounds, failed")
    throw error
  }
}
