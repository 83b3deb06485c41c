import ArgumentParser
import QAT

/// `--model`, for commands that cannot do without.
struct ModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"), help: ArgumentHelp("The network: an .onnx file, or \(architectureList).", valueName: "file|name"),
    completion: .file(extensions: ["onnx"]))
  var model: String

  static let architectureList = architectureNames.dropLast().joined(separator: ", ") + " or " + (architectureNames.last ?? "")
}

/// `--model`, for commands whose configuration may say it.
struct OptionalModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "The network: an .onnx file, or \(ModelOption.architectureList). Overrides the configuration's 'model'.", valueName: "file|name"),
    completion: .file(extensions: ["onnx"]))
  var model: String?
}
