import ArgumentParser
import QAT

/// `--timeline`.
struct TimelineOption: ParsableArguments {
  @Option(
    name: .customLong("timeline"),
    help: ArgumentHelp(
      "Also write what happens in some steps, and when, of every rank, for chrome://tracing or ui.perfetto.dev; see docs/seeing.md.",
      valueName: "file"),
    completion: .file(extensions: ["json"]))
  var path: String?

  /// Checks, before anything long begins, that the file can be made; its folder may be `made`, which is made before.
  /// - Throws: `CommandError`.
  func requireWritable(in made: String? = nil) throws(CommandError) {
    if let path { try QATCommands.requireWritable(file: path, "--timeline", in: made) }
  }
}
