import ArgumentParser

/// `qat manual`.
struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual",
    abstract: "Print the manual page of all commands, for man.",
    discussion: """
        qat manual | man -l -
        qat manual > /usr/local/share/man/man1/qat.1
      """)

  func run() throws { try writeToStandardOutput(ManualPage().text) }
}

/// `qat completions`.
struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions",
    abstract: "Print a script that completes commands, flags and files in a shell.",
    discussion: """
        qat completions bash > /etc/bash_completion.d/qat
        qat completions zsh > "${fpath[1]}/_qat"
        qat completions fish > ~/.config/fish/completions/qat.fish
      """)

  /// The shells that the argument parser knows.
  enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, zsh, fish

    var completions: CompletionShell {
      switch self {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }

  @Argument(help: "The shell.")
  var shell: Shell

  func run() throws { try writeToStandardOutput(QATCommand.completionScript(for: shell.completions) + "\n") }
}
