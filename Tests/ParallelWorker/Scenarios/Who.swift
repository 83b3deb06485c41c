import QATCommunication

/// Every rank says what it is; with the word `node`, also where.
@Sendable func whoScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let place = arguments.contains("node") ? " on \(communicator.node)" : ""
  communicator.say("\(communicator.rank) of \(communicator.size) \(type(of: communicator))\(place)")
}
