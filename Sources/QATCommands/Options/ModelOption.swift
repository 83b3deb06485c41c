import ArgumentParser
import QAT

/// `--model`, for commands that cannot do without.
struct ModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "The network: a model file (\(ModelFormat.suffixesRead)), the folder of a run or a checkpoint, or \(architectureList).", valueName: "file|name"),
    completion: .file(extensions: ModelFormat.extensionsRead))
  var model: String

  @Option(help: ArgumentHelp("The model file's format; what its name says when left out.", valueName: "format"))
  var format: ModelFormat?

  @OptionGroup var shape: ShapeOptions

  static let architectureList = architectureNames.dropLast().joined(separator: ", ") + " or " + (architectureNames.last ?? "")
}

/// `--model`, for commands whose configuration may say it.
struct OptionalModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "The network: a model file (\(ModelFormat.suffixesRead)), the folder of a run or a checkpoint for its weights, or \(ModelOption.architectureList). Overrides the configuration's 'model'.",
      valueName: "file|name"),
    completion: .file(extensions: ModelFormat.extensionsRead))
  var model: String?

  @OptionGroup var shape: ShapeOptions
}
