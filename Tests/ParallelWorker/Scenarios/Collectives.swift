import QATCommunication

/// Every collective on values (rank + 1)·(i + 1); prints the results.
@Sendable func collectivesScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  func values<Value: Numeric>(_ type: Value.Type, _ number: (Int) -> Value) -> [Value] { (0..<5).map { number((communicator.rank + 1) * ($0 + 1)) } }
  for (name, reduction) in [("sum", Reduction.sum), ("minimum", .minimum), ("maximum", .maximum)] {
    var floats = values(Float.self) { Float($0) }
    var doubles = values(Double.self) { Double($0) }
    var integers = values(Int64.self) { Int64($0) << 40 }
    try floats.withUnsafeMutableBufferPointer { try communicator.allreduce($0, reduction) }
    try doubles.withUnsafeMutableBufferPointer { try communicator.allreduce($0, reduction) }
    try integers.withUnsafeMutableBufferPointer { try communicator.allreduce($0, reduction) }
    communicator.say("\(name) \(floats) \(doubles) \(integers.map { $0 >> 40 })")
  }
  var nothing: [Float] = []
  try nothing.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .sum) }

  let last = communicator.size - 1
  let sent = (0..<7).map { UInt8(10 * communicator.rank + $0) }
  communicator.say("broadcast \(try communicator.broadcast(communicator.rank == last ? sent : [], from: last))")
  // Rank r gives r bytes: rank 0 none.
  communicator.say("allgather \(try communicator.allgather([UInt8](repeating: UInt8(communicator.rank), count: communicator.rank)))")
  try communicator.barrier()
}
