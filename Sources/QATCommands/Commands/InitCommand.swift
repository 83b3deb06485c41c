import ArgumentParser
import Foundation
import QAT

/// `qat init`.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write an annotated configuration for a model, to begin from.",
    discussion: """
      The configuration says what the model's file tells: its inputs, the normalisation of its pixels, how many samples its batch norms want, and by name what could stay in \
      fp32. With --data, training and validation data are named and their pixels measured. It goes to stdout, or with --output into a new file.

        qat init --model net.onnx
        qat init --model net.onnx --data /data/fashion-mnist --output int8.json
      """)

  @OptionGroup var model: ModelOption
  @OptionGroup var data: DataOption

  @Option(
    help: ArgumentHelp("Write here instead of stdout; a file that exists stays as it is.", valueName: "file"), completion: .file(extensions: ["json"])
  )
  var output: String?

  func run() throws {
    try Session.run("init") { session in
      let template = try session.begin {
        let dataset = try data.path.map { try openDataset($0, split: .train) }
        let loaded = try LoadedModel(
          model.model, format: model.format, classes: dataset.map { max(1, $0.classCount) }, seed: 0, shapes: model.shape.shapes)
        if loaded.graph.isQuantized {
          throw CommandError(.input, "the model is quantized already. Give the fp32 model that it was made from")
        }
        // Images of different sizes fit only once the configuration says how they are brought to one.
        if let dataset, dataset.inputs.allSatisfy(\.hasFixedSize) { try requireFit(loaded.graph, dataset, Preprocessing(), loss: nil) }
        return try ConfigurationTemplate(model: model.model, loaded, data: data.path, dataset)
      }
      guard let output else {
        try session.result(template.text)
        return .done
      }
      try session.onRoot {
        guard DurableFile.identity(output) == nil else {
          throw CommandError(.storage, "'\(output)' exists already. Give another name, or remove it")
        }
        do throws(FileError) {
          try replaceFiles([(output, Data((template.text + "\n").utf8))])
        } catch {
          throw CommandError(.storage, "'\(output)' cannot be written: \(error.cause)")
        }
      }
      session.note("wrote \(output). Next: qat train --dry-run --config \(output)\(data.path == nil ? " --data DIR" : "") --checkpoint-dir DIR")
      return .done
    }
  }
}

extension SampleInput {
  /// Whether all samples are of one shape.
  fileprivate var hasFixedSize: Bool {
    if case .image(_, size: nil) = content { false } else { true }
  }
}
