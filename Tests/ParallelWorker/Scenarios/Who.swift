import QATCommunication

/// Every rank says what it is.
@Sendable func whoScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  communicator.say("\(communicator.rank) of \(communicator.size) \(type(of: communicator))")
}
