import QATCommunication
import Testing

@Suite("One process alone")
struct SingleProcessTests {
  struct Fault: Error, CustomStringConvertible, Equatable { let description = "no such file" }

  @Test("collectives leave values as they are", arguments: [Reduction.sum, .minimum, .maximum])
  func collectives(reduction: Reduction) throws {
    let communicator: any Communicator = SingleProcess()
    var (floats, doubles, integers) = ([Float(1), -2], [3.5, -4], [Int64(5), .max])
    try floats.withUnsafeMutableBufferPointer { try communicator.allreduce($0, reduction) }
    try doubles.withUnsafeMutableBufferPointer { try communicator.allreduce($0, reduction) }
    try integers.withUnsafeMutableBufferPointer { try communicator.allreduce($0, reduction) }
    #expect(floats == [1, -2] && doubles == [3.5, -4] && integers == [5, .max])
    #expect(try communicator.broadcast([1, 2, 3]) == [1, 2, 3])
    #expect(try communicator.allgather([4, 5]) == [[4, 5]])
    #expect(communicator.rank == 0 && communicator.size == 1 && communicator.isRoot)
    try communicator.barrier()
  }

  @Test("a prepared sum is complete at once")
  func preparedSum() throws {
    var values: [Float] = [1, 2]
    try values.withUnsafeMutableBufferPointer { values in
      let sum = SingleProcess().preparedSum(of: values)
      #expect(try sum.poll())
      try sum.start()
      #expect(try sum.poll())
      try sum.wait()
    }
    #expect(values == [1, 2])
  }

  @Test("an agreed error comes out as it is")
  func agreement() throws {
    let communicator = SingleProcess()
    try communicator.agree(nil)
    try communicator.verifyEqual(7, what: "the model")
    #expect(try communicator.together { 5 } == 5)
    #expect(throws: Fault()) { try communicator.agree(Fault(), exitCode: 9) }
    #expect(throws: Fault()) { try communicator.together { throw Fault() } }
  }

  @Test("a program that no launcher has started runs without MPI, and its errors come out as they are")
  func scope() throws {
    #expect(try makeCommunicator() is SingleProcess)
    #expect(try withCommunicator { $0.size } == 1)
    #expect(throws: Fault()) { try withCommunicator { _ in throw Fault() } }
  }
}
