import Foundation
import QATCommunication

/// Every rank says what it is; with the word `node`, also where; with the word `algorithm`, also how MPI sums without blocking.
@Sendable func whoScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let place = arguments.contains("node") ? " on \(communicator.node)" : ""
  let variable = getenv("OMPI_MCA_coll_libnbc_iallreduce_algorithm").map { String(cString: $0) } ?? "its own choice"
  let algorithm = arguments.contains("algorithm") ? " by \(variable)" : ""
  communicator.say("\(communicator.rank) of \(communicator.size) \(type(of: communicator))\(place)\(algorithm)")
}
