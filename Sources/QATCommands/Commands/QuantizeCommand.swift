import ArgumentParser
import QAT

/// `qat quantize`.
struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Quantize a trained network and export it, without fine-tuning.",
    discussion: """
      Places quantizers as NNCF does, initialises their ranges and adapts batch norm from samples of the training data, and writes the INT8 model.

        qat quantize --config int8.json --model fp32.onnx --data /data/fashion-mnist --export int8.onnx
      """)

  @OptionGroup var config: ConfigurationOption
  @OptionGroup var model: OptionalModelOption
  @OptionGroup var data: DataOption
  @OptionGroup var output: ExportOption
  @OptionGroup var running: RunningOptions

  @Flag(name: .customLong("dry-run"), help: "Do everything but write files: quantize, and make the exports beside the way.")
  var isDryRun = false

  @Flag(help: "The statistics of the quantizers as one JSON object on stdout.")
  var json = false

  func validate() throws {
    if output.files.isEmpty, !isDryRun { throw ValidationError("Nothing would remain of the work: add --export FILE, or --dry-run.") }
  }

  func run() throws {
    try Session.run("quantize", running) { session in
      let inputs = try session.begin(values: { $0.sharedValues() }) {
        var inputs = try RunInputs(configurationPath: config.path, model: model.model, shapes: model.shape.shapes, data: data.path)
        guard inputs.configuration.nncf.quantization != nil else {
          throw CommandError(
            .input, "\(config.path) has no 'compression': there is nothing to quantize. Add \"compression\": { \"algorithm\": \"quantization\" }")
        }
        if isDryRun { inputs.configuration.nncf.logDirectory = nil }
        return inputs
      }
      inputs.warn(session)
      try session.onRoot { try output.destinations.requirePossible("--export", quantization: inputs.configuration.nncf.quantization) }
      guard
        let controller = try quantize(
          inputs.model.graph, inputs.configuration.nncf, calibration: inputs.calibration(), session, seed: inputs.configuration.seed)
      else { return .done }
      try drawGraphs(inputs.model.graph, controller, to: inputs.configuration.nncf.logDirectory, session)
      try session.result(json ? controller.statistics().json.text() : controller.statistics().description)
      let metadata = ModelMetadata.strings(inputs.configuration.data.preprocessing, controller)
      if isDryRun {
        for file in try rehearseExport(controller.graph, to: output.destinations, metadata: metadata, session) {
          session.note("would write \(file.path) (\(Numbers.bytes(file.bytes)))")
        }
      } else {
        let request = ExportRequest(
          destinations: try output.destinations, metadata: metadata, samples: { try inputs.calibration() }, testVectorCount: output.vectors.count)
        try export(controller.graph, request, session)
      }
      return .done
    }
  }
}
