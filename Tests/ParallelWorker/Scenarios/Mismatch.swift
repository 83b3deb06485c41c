import QATCommunication

/// `mismatch RANK`: that rank holds another configuration than the others.
@Sendable func mismatchScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  try communicator.verifyEqual(0xfeed, what: "the model")
  communicator.say("same model")
  try communicator.verifyEqual(arguments == ["\(communicator.rank)"] ? 0xbad : 0x900d, what: "the configuration")
  communicator.say("same configuration")
}
