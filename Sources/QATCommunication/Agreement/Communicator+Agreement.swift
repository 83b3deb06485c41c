import Foundation

extension Communicator {
  /// The name of this process's computer, for messages.
  public var node: String { ProcessInfo.processInfo.hostName }

  /// Tells all ranks whether this one has failed. All call it at the same place: when no rank has failed all go on, otherwise all throw the same error.
  ///
  /// One process alone throws its error as it is.
  /// - Parameters:
  ///   - error: this rank's error, nil when all is well.
  ///   - exitCode: what the run ends with when this rank is the first that failed.
  /// - Throws: `CommunicationError` naming the failing rank and its node; without the names when all ranks failed with the same words.
  public func agree(_ error: (any Error)?, exitCode: Int32 = 1) throws {
    if size == 1 {
      if let error { throw error }
      return
    }
    _ = try compare(Statement(node: node, failure: error.map { .init(exitCode: exitCode, message: String(describing: $0)) }))
  }

  /// Runs `body` on every rank and goes on only when it succeeded on all.
  ///
  /// For everything that may fail on some ranks only, such as reading a file. The body calls no collectives.
  /// - Parameters:
  ///   - exitCode: what the run ends with when the body throws this error; what `withCommunicator` was told when nil.
  ///   - body: the work.
  /// - Returns: this rank's result.
  /// - Throws: what `agree` throws.
  public func together<Result>(exitCode: ((any Error) -> Int32)? = nil, _ body: () throws -> Result) throws -> Result {
    do {
      let result = try body()
      try agree(nil)
      return result
    } catch let error as CommunicationError where error.isShared {
      throw error
    } catch {
      try agree(error, exitCode: self.exitCode(exitCode, of: error))
      throw error
    }
  }

  /// Checks that all ranks hold the same values.
  /// - Parameter values: this rank's; the same names in the same order on every rank, unless the ranks run different programs, which is found too.
  /// - Returns: a sentence for each advised value that differs; the same on every rank.
  /// - Throws: `CommunicationError`, the same on every rank, naming of each required value that differs the first rank that differs from most, and both values.
  ///   Exit code 3.
  @discardableResult
  public func verifyEqual(_ values: [SharedValue]) throws -> [String] {
    if size == 1 { return [] }
    return try compare(Statement(node: node, values: values))
  }

  /// Checks that all ranks hold the same thing.
  /// - Parameters:
  ///   - hash: of the thing.
  ///   - what: its name, as in "the configuration".
  ///   - remedy: what to do about a difference.
  /// - Throws: what `verifyEqual(_:)` throws.
  public func verifyEqual(_ hash: UInt64, what: String, remedy: String = SharedValue.usualRemedy) throws {
    try verifyEqual([SharedValue(what, String(hash, radix: 16), remedy: remedy)])
  }

  /// Begins a run: opens what each rank works with, and goes on only when all ranks could and hold the same values. The first thing that ranks say to each other.
  /// - Parameters:
  ///   - exitCode: what the run ends with when the body throws this error on every rank; what `withCommunicator` was told when nil.
  ///   - values: of what was opened, all that must be equal. Not asked of one process alone.
  ///   - body: opens; calls no collectives.
  /// - Returns: this rank's result, and a sentence for each advised value that differs.
  /// - Throws: what `agree` and `verifyEqual` throw. Exit code 3 also when only some ranks could not open theirs.
  public func begin<Result>(
    exitCode: ((any Error) -> Int32)? = nil, values: (Result) throws -> [SharedValue], _ body: () throws -> Result
  ) throws -> (result: Result, warnings: [String]) {
    if size == 1 { return (try body(), []) }
    let result: Result
    var statement = Statement(node: node)
    do {
      (result, statement.values) = try WorkPhase.opening.run {
        let result = try body()
        return (result, try values(result))
      }
    } catch {
      statement.failure = .init(exitCode: self.exitCode(exitCode, of: error), message: String(describing: error))
      _ = try compare(statement, exitCodeWhenSomeFail: Disagreement.mismatchExitCode)
      throw error
    }
    return (result, try compare(statement, exitCodeWhenSomeFail: Disagreement.mismatchExitCode))
  }

  /// Compares what ranks state. The records all have the same size, so that no difference can hang; the words follow only when there is something to say.
  private func compare(_ statement: Statement, exitCodeWhenSomeFail: Int32? = nil) throws -> [String] {
    let records = try allgather(record: statement.record)
    guard statement.failure != nil || records.contains(where: { $0 != statement.record }) else { return [] }
    let statements = try allgather([UInt8](JSONEncoder().encode(statement))).map { bytes in
      (try? JSONDecoder().decode(Statement.self, from: Data(bytes)))
        ?? Statement(node: "?", failure: .init(exitCode: Disagreement.mismatchExitCode, message: "speaks as another version of this program does"))
    }
    return try Disagreement(statements).resolve(exitCodeWhenSomeFail: exitCodeWhenSomeFail)
  }

  private func exitCode(_ given: ((any Error) -> Int32)?, of error: any Error) -> Int32 {
    (given ?? (self as? MPICommunicator)?.exitCode)?(error) ?? 1
  }
}
