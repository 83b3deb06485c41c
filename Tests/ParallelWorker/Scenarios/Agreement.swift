import QATCommunication
import QATData

/// `agreement none|one|all`: no rank, the last rank, or every rank cannot read its data; all agree before they go on.
@Sendable func agreementScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let fails = arguments == ["all"] || (arguments == ["one"] && communicator.rank == communicator.size - 1)
  let dataset = try communicator.together(exitCode: { $0 is DataError ? 7 : 1 }) {
    try openDataset(fails ? "/nowhere/fashion" : "synthetic", split: .train)
  }
  try communicator.barrier()
  communicator.say("read \(dataset.count)")
}
