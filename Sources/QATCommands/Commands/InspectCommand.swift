import ArgumentParser
import QAT

/// `qat inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what is in a network, and where its quantizers are or would be.",
    discussion: """
      With a configuration that quantizes, the quantizers are placed first: weights initialised, activations at their defaults, as no data is read.

        qat inspect --model resnet18
        qat inspect --model fp32.onnx --config int8.json --quantizers
        qat inspect --model int8.onnx --quantizers --json
      """)

  @OptionGroup var model: ModelOption
  @OptionGroup var config: OptionalConfigurationOption

  @Flag(help: "List every quantizer, and every operator that stays in floating point with the reason.")
  var quantizers = false

  @Flag(help: "One JSON object on stdout.")
  var json = false

  func run() throws {
    try Session.run { session in
      let (loaded, configuration) = try session.together {
        let configuration = try config.path.map { try RunConfiguration(contentsOf: $0) }
        let loaded = try LoadedModel(model.model, classes: nil, seed: configuration?.seed ?? 0)
        try loaded.graph.requireInputs(configuration?.nncf.inputInfo ?? [])
        return (loaded, configuration)
      }
      configuration?.warnings.forEach(session.warn)
      var graph = loaded.graph
      var statistics: QuantizationStatistics?
      if let nncf = configuration?.nncf, !graph.isQuantized, let controller = try quantize(graph, nncf, calibration: nil, session) {
        graph = controller.graph
        statistics = controller.statistics()
      }
      let report = try NetworkReport(graph, fileSize: loaded.fileSize, listsQuantizers: quantizers, statistics: statistics)
      session.result(json ? report.json.text() : report.text)
      return .done
    }
  }
}
