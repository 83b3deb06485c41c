import Foundation
import QATCommunication

/// Every rank says what it is; with the word `node`, also where; with the word `variables`, also what MPI was started with: the algorithm of sums, and what a connection may receive before it is read.
@Sendable func whoScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let place = arguments.contains("node") ? " on \(communicator.node)" : ""
  let values = ["coll_libnbc_iallreduce_algorithm", "btl_tcp_rcvbuf"].map { getenv("OMPI_MCA_\($0)").map { String(cString: $0) } ?? "its own" }
  let variables = arguments.contains("variables") ? " with \(values.joined(separator: ", "))" : ""
  communicator.say("\(communicator.rank) of \(communicator.size) \(type(of: communicator))\(place)\(variables)")
}
