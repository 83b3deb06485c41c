import ArgumentParser
import QAT

/// What a command works with: the ranks, and two ways to speak. Results go to stdout, everything else to stderr; rank 0 speaks.
struct Session {
  let communicator: any Communicator
  /// The subcommand's name.
  let command: String
  /// What the user said of running together; nil for a command that has no such flags.
  let options: RunningOptions?

  /// Prints a result.
  /// - Throws: `CommandError` on rank 0 when stdout takes no more.
  func result(_ text: String) throws(CommandError) {
    if communicator.isRoot { try writeToStandardOutput(text + "\n") }
  }

  /// Tells the user something that is no result.
  func note(_ text: String) {
    if communicator.isRoot { writeToStandardError("\(text)\n") }
  }

  /// Warns the user.
  func warn(_ text: String) { note("qat: warning: \(text)") }

  /// Opens what the command works with, and goes on only when all ranks could and hold the same. The first thing that ranks say to each other, before anything heavy.
  /// - Parameters:
  ///   - values: what must be equal of what was opened, besides the program itself, how it was started and the machine.
  ///   - keepsThreads: whether results depend on the number of threads that was asked for.
  ///   - body: opens files; calls no collectives.
  /// - Returns: what was opened.
  /// - Throws: the same error on every rank, naming the rank that failed or differs.
  func begin<Inputs>(
    values: (Inputs) throws -> [SharedValue] = { _ in [] }, keepsThreads: (Inputs) -> Bool = { _ in false }, _ body: () throws -> Inputs
  ) throws -> Inputs {
    let begun = try communicator.begin(
      exitCode: ExitStatus.code(for:),
      values: {
        try ProgramValues.program(command: command) + ProgramValues.start()
          + ProgramValues.machine(allowsMixedMachines: options?.allowsMixedMachines ?? false) + [ProgramValues.threads(areKept: keepsThreads($0))]
          + values($0)
      }, body)
    begun.warnings.forEach(warn)
    return begun.result
  }

  /// Runs what may fail on some ranks only, such as reading a file: all ranks go on, or all end with the same error. The body calls no collectives.
  func together<Result>(_ body: () throws -> Result) throws -> Result {
    try communicator.together(exitCode: ExitStatus.code(for:), body)
  }

  /// Runs on rank 0 what only one rank may do, such as writing a file; its error ends all ranks.
  func onRoot(_ body: () throws -> Void) throws {
    try together { if communicator.isRoot { try body() } }
  }

  /// Runs a command's work with the ranks of the run, says an error as one paragraph, and turns it into the process's exit code.
  /// - Parameters:
  ///   - command: the subcommand's name.
  ///   - options: how the ranks run together; nil for a command that has no such flags.
  ///   - body: the work.
  /// - Throws: `ExitCode` when the work failed, or ended with another status than `done`.
  static func run(_ command: String, _ options: RunningOptions? = nil, _ body: (Session) throws -> ExitStatus) throws {
    let limits: StallLimits? = if let options { options.stallLimits } else { .standard }
    let code: Int32
    do {
      code = try withCommunicator(
        exitCode: ExitStatus.code(for:), report: { say($0) }, warn: { writeToStandardError("qat: warning: \($0)\n") }, limits: limits
      ) { communicator in
        // OpenMP would give every rank all cores that it may run on.
        EngineEnvironment.threadCount = defaultThreadCount()
        do {
          return try body(Session(communicator: communicator, command: command, options: options)).rawValue
        } catch  where communicator.size > 1 && !isShared(error) {
          // The other ranks may wait for this one: it ends them.
          communicator.abort(message: "qat: error: \(error)", exitCode: ExitStatus.code(for: error))
        }
      }
    } catch {
      // What all ranks share, rank 0 has said.
      if !isShared(error) { say(error) }
      throw ExitCode(ExitStatus.code(for: error))
    }
    if code != 0 { throw ExitCode(code) }
  }

  private static func isShared(_ error: any Error) -> Bool { (error as? CommunicationError)?.isShared ?? false }

  private static func say(_ error: any Error) { writeToStandardError("qat: error: \(error)\n") }
}
