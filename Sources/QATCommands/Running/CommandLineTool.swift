import ArgumentParser
import Foundation
import QAT

/// The program `qat`.
public enum CommandLineTool {
  /// Runs one command line.
  /// - Parameter arguments: what follows the program's name; the process's own when nil.
  /// - Returns: the exit code.
  public static func run(_ arguments: [String]? = nil) -> Int32 {
    do {
      var command = try QATCommand.parseAsRoot(arguments)
      try command.run()
      return ExitStatus.done.rawValue
    } catch {
      let code = QATCommand.exitCode(for: error)
      say(QATCommand.fullMessage(for: error), isResult: code.isSuccess)
      return code.rawValue
    }
  }

  /// Every rank has the same command line, one says what is wrong with it. Help is a result.
  private static func say(_ message: String, isResult: Bool) {
    if message.isEmpty { return }
    if !isFirstProcess {
      // The first process that ends with an error makes mpirun kill the others: the one that speaks comes first.
      if !isResult { Thread.sleep(forTimeInterval: 1) }
    } else if isResult {
      print(message)
    } else {
      let text = message.hasPrefix("Error: ") ? String(message.dropFirst("Error: ".count)) : message
      writeToStandardError("qat: error: \(text)\n")
    }
  }

  /// Whether this is rank 0, as far as the launcher's variables say before MPI has started.
  private static var isFirstProcess: Bool {
    let environment = ProcessInfo.processInfo.environment
    let rank = environment["OMPI_COMM_WORLD_RANK"] ?? environment["PMIX_RANK"] ?? environment["PMI_RANK"] ?? "0"
    return rank == "0"
  }
}
