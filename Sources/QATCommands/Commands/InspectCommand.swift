import ArgumentParser
import Foundation
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
        qat inspect --model open.onnx --shape 1,3,224,224
        qat inspect --model fp32.onnx --config int8.json --svg network.svg
      """)

  @OptionGroup var model: ModelOption
  @OptionGroup var config: OptionalConfigurationOption

  @Flag(help: "List every quantizer, every operator that stays in floating point with the reason, and whether sums of integers can overflow.")
  var quantizers = false

  @Flag(help: "One JSON object on stdout.")
  var json = false

  @Option(help: ArgumentHelp("Draw the network with its quantizers, for Graphviz.", valueName: "file"), completion: .file(extensions: ["dot"]))
  var dot: String?

  @Option(help: ArgumentHelp("Draw the network with its quantizers, for a browser.", valueName: "file"), completion: .file(extensions: ["svg"]))
  var svg: String?

  func run() throws {
    try Session.run("inspect") { session in
      let (loaded, configuration) = try session.begin {
        let configuration = try config.path.map { try RunConfiguration(contentsOf: $0) }
        let loaded = try LoadedModel(
          model.model, format: model.format, classes: nil, seed: configuration?.seed ?? 0, shapes: model.shape.shapes,
          inputInfo: configuration?.nncf.inputInfo ?? [])
        try loaded.graph.requireInputs(model.shape.shapes.overriding(configuration?.nncf.inputInfo ?? [], of: loaded.graph))
        return (loaded, configuration)
      }
      configuration?.warnings.forEach(session.warn)
      var graph = loaded.graph
      var statistics: QuantizationStatistics?
      var reasons: [String: String] = [:]
      var fingerprint = ModelMetadata.fingerprint(loaded.metadata)
      let configured = configuration?.nncf.quantization?.fingerprint(device: configuration?.nncf.targetDevice ?? .any)
      if let nncf = configuration?.nncf, let quantization = nncf.quantization, !graph.isQuantized,
        let controller = try quantize(graph, nncf, calibration: nil, session)
      {
        fingerprint = ModelMetadata.fingerprint(controller.metadata)
        reasons = try placeQuantizers(in: graph, quantization, device: nncf.targetDevice).floatReasons
        graph = controller.graph
        statistics = controller.statistics()
      }
      let report = try NetworkReport(
        graph, fileSize: loaded.fileSize, listsQuantizers: quantizers, statistics: statistics, reasons: reasons,
        fingerprint: fingerprint, configured: configured)
      try session.onRoot { try draw(report) }
      try session.result(json ? report.json.text() : report.text)
      return .done
    }
  }

  /// Writes the pictures that are asked for.
  private func draw(_ report: NetworkReport) throws {
    guard dot != nil || svg != nil else { return }
    let picture = try report.picture()
    for (file, form) in [(dot, \GraphPicture.dot), (svg, \GraphPicture.svg)] {
      guard let file else { continue }
      do throws(FileError) {
        try replaceFiles([(file, Data(picture[keyPath: form].utf8))])
      } catch {
        throw CommandError(.storage, "the picture '\(file)' cannot be written: \(error.cause)")
      }
    }
  }
}
