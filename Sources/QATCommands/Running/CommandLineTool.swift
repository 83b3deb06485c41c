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
    } catch let error as CommandError {
      say("\(error)", isResult: false)
      return error.status.rawValue
    } catch {
      let code = QATCommand.exitCode(for: error)
      say(
        QATCommand.fullMessage(for: error), unknown: unknownCommand(arguments ?? Array(CommandLine.arguments.dropFirst())), isResult: code.isSuccess)
      return code.rawValue
    }
  }

  /// Every rank has the same command line, one says what is wrong with it. Help is a result.
  private static func say(_ message: String, unknown: String? = nil, isResult: Bool) {
    if message.isEmpty { return }
    if isResult {
      if rank == 0 { print(message) }
      return
    }
    var place = ""
    if rank != 0 {
      // The first process that ends with an error makes mpirun kill the others. Whoever is still there alone has the wrong command line.
      Thread.sleep(forTimeInterval: 3)
      place = "[rank \(rank) node \(ProcessInfo.processInfo.hostName)] "
    }
    var text = message.hasPrefix("Error: ") ? String(message.dropFirst("Error: ".count)) : message
    if let unknown { text = unknown + text.drop { $0 != "\n" } }
    writeToStandardError("\(place)qat: error: \(text)\n")
  }

  /// What is wrong with a word that stands in the place of a subcommand and is none: the parser would name the first flag behind it.
  private static func unknownCommand(_ arguments: [String]) -> String? {
    var commands = QATCommand.configuration.subcommands
    for word in arguments.prefix(while: { !$0.hasPrefix("-") }) where word != "help" {
      let names = commands.map { command in command.configuration.commandName ?? "\(command)".lowercased() }
      guard let index = names.firstIndex(of: word) else {
        if names.isEmpty { return nil }
        let nearest = NearestWord.to(word, among: names).map { ": did you mean '\($0)'?" } ?? "; there are \(names.joined(separator: ", "))"
        return "there is no command '\(word)'\(nearest)"
      }
      commands = commands[index].configuration.subcommands
    }
    return nil
  }

  /// This process's number, as far as the launcher's variables say before MPI has started.
  private static var rank: Int {
    let environment = ProcessInfo.processInfo.environment
    return ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].compactMap { environment[$0].flatMap { Int($0) } }.first ?? 0
  }
}
