import ArgumentParser
import QAT

extension MemorySize: ExpressibleByArgument {
  /// An amount of memory with its unit.
  public init?(argument: String) { self.init(argument) }
}

/// `--memory-limit`.
struct MemoryLimitOption: ParsableArguments {
  @Option(
    name: .customLong("memory-limit"),
    help: ArgumentHelp(
      "The most memory that training takes on a rank, such as 2GiB or 800MB: activations are computed a second time instead of being kept, the cheapest first, with the same results. Without it what takes at most 2 % of a step in all is computed twice; a limit of more than enough keeps everything. docs/performance.md says what counts.",
      valueName: "size"))
  var limit: MemorySize?

  /// Sets what was said.
  func apply(_ configuration: inout RunConfiguration) {
    if let limit { configuration.memoryLimit = limit }
  }
}
