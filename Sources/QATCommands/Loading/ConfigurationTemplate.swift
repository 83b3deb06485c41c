import Foundation
import QAT

/// A configuration with comments, filled with what a model and its data tell.
struct ConfigurationTemplate {
  /// The file's text.
  let text: String

  /// A configuration for a model.
  /// - Parameters:
  ///   - model: what the model is called on the command line.
  ///   - loaded: the fp32 network.
  ///   - data: where the data is; nil leaves it to the command line.
  ///   - dataset: the samples to learn from; nil when they are not known.
  /// - Throws: `GraphError` when the model is no network; `DataError` when a sample cannot be read.
  init(model: String, _ loaded: LoadedModel, data: String?, _ dataset: (any Dataset)?) throws {
    let graph = loaded.graph
    let placement = try placeQuantizers(in: graph, QuantizationConfiguration(), device: .any)
    let layers = placement.setup.layers(of: graph).filter { !$0.weights.isEmpty }
    let hasStatistics = graph.nodes.contains { $0.op is BatchNormalization }
    let multiplyAdds = try graph.multiplyAdds()
    let channels = graph.inputs.first.flatMap { $0.type.dimensions.count == 4 ? $0.type.dimensions[1].fixedSize : nil }
    let (normalization, origin) = try Self.normalization(loaded, channels: channels, dataset)

    var lines = [
      "// Quantizes '\(Self.comment(graph.name))' to INT8 and fine-tunes it: \(Numbers.grouped(graph.parameterCount)) parameters, "
        + "\(Numbers.grouped(multiplyAdds)) multiply-adds a sample.",
      "// Every key is described in docs/configuration.md; 'qat config print FILE' shows all defaults. Flags of the command override what stands here.",
      "{",
      "  \"model\": \(Self.quoted(model)),", "  \"input_info\": \(Self.inputInfo(graph)),", "",
      "  // Samples of one rank in a step: N ranks see N times as many. Scale base_lr with the whole step's number.", "  \"batch_size\": 64,",
      "  // Fine-tuning takes few epochs: the network is trained already.", "  \"epochs\": 3,", "  // The same seed gives the same bytes.",
      "  \"seed\": 0,", "",
      "  // About a hundredth of the rate at which the fp32 network was trained is a good beginning.",
      "  \"optimizer\": { \"type\": \"SGD\", \"base_lr\": 0.002, \"momentum\": 0.9, \"nesterov\": true, \"weight_decay\": 1e-4, \"schedule_type\": \"cosine\" },",
      "",
      "  \"data\": {",
    ]
    if let data {
      lines += ["    \"train\": \(Self.quoted(data)),", "    \"validation\": \(Self.quoted(data)),"]
    } else {
      lines += ["    // \"train\": \"/data/train\", \"validation\": \"/data/val\",   or --data on the command line"]
    }
    // What is no image reaches the network as it is.
    if graph.inputs.contains(where: { $0.type.rank == 4 }) {
      lines += [
        "    // \(origin)", "    \"normalize\": \(normalization),",
        "    // What may be done to an image without changing its class; leave it out where that is nothing.", "    \"augment\": { \"flip\": true }",
      ]
    }
    lines += ["  },", ""]
    lines += [
      "  \"compression\": {", "    \"algorithm\": \"quantization\",",
      "    // \"performance\": symmetric ranges everywhere, the fastest. \"mixed\": asymmetric ones for activations, where accuracy asks for it.",
      "    \"preset\": \"performance\",", "    \"initializer\": {", "      // Samples of the training data whose values give the first ranges.",
      "      \"range\": { \"num_init_samples\": 256 }\(hasStatistics ? "," : "")",
    ]
    if hasStatistics {
      lines += [
        "      // Samples that adapt batch norm's statistics to the quantized network.",
        "      \"batchnorm_adaptation\": { \"num_bn_adaptation_samples\": 2000 }",
      ]
    }
    lines += ["    },"]
    lines += [
      "    // Operators that stay in fp32, by name or as \"{re}^features\\\\..*\". 'qat analyze' says which layer costs how much; \(layers.count) with weights are quantized,",
      "    // from \(Self.named(layers.first)) to \(Self.named(layers.last)).", "    \"ignored_scopes\": []", "  }", "}",
    ]
    text = lines.joined(separator: "\n")
  }

  /// The normalisation of pixels in [0, 1] and where it comes from: the file's own, that of the data, or the usual one.
  private static func normalization(_ loaded: LoadedModel, channels: Int?, _ dataset: (any Dataset)?) throws -> (text: String, origin: String) {
    let rule = "It must be the one that the network was trained with: pixels in [0, 1], one number a channel."
    if let own = Preprocessing(notes: loaded.metadata) { return (text(own.mean, own.std), "As the model's file says.") }
    if let dataset, dataset.inputs.count == 1, case .image(let channels, size: .some) = dataset.inputs[0].content {
      let samples = try CalibrationSource(dataset: dataset, preprocessing: Preprocessing(), count: 2000, seed: 0)
      let (mean, std) = try moments(of: samples, channels: channels, loaded.graph)
      return (text(mean, std), "Measured on \(samples.sampleCount) samples of the training data. \(rule)")
    }
    if channels == 3 { return (text([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), "ImageNet's. \(rule)") }
    return (text([Float](repeating: 0.5, count: channels ?? 1), [Float](repeating: 0.5, count: channels ?? 1)), "To be filled in. \(rule)")
  }

  private static func text(_ mean: [Float], _ std: [Float]) -> String {
    func list(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: ", ") }
    return "{ \"mean\": [\(list(mean))], \"std\": [\(list(std))] }"
  }

  /// Mean and deviation of each channel.
  private static func moments(of samples: CalibrationSource, channels: Int, _ graph: Graph) throws -> (mean: [Float], std: [Float]) {
    guard let input = graph.inputs.first, let size = input.type.elementCount(batchSize: 1), size % channels == 0 else { return ([], []) }
    var (sums, squares) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
    var pixels = [Float](repeating: 0, count: size)
    for sample in 0..<samples.sampleCount {
      try pixels.withUnsafeMutableBufferPointer { try samples.read(sample..<sample + 1, input: input.name, into: $0) }
      for (index, pixel) in pixels.enumerated() {
        let channel = index / (size / channels)
        sums[channel] += Double(pixel)
        squares[channel] += Double(pixel) * Double(pixel)
      }
    }
    let total = Double(max(samples.sampleCount * size / channels, 1))
    func rounded(_ value: Double) -> Float { Float((value * 10_000).rounded() / 10_000) }
    let mean = sums.map { $0 / total }
    // A channel that is the same everywhere has no deviation to divide by.
    let std = zip(squares, mean).map { square, mean in max(max(square / total - mean * mean, 0).squareRoot(), 0.0001) }
    return (mean.map(rounded), std.map(rounded))
  }

  private static func inputInfo(_ graph: Graph) -> String {
    let inputs = graph.inputs.map { input in
      let sizes = input.type.shape(batchSize: 1).map(String.init).joined(separator: ", ")
      let keyword = graph.inputs.count > 1 ? "\"keyword\": \(quoted(input.name)), " : ""
      return "{ \(keyword)\"sample_size\": [\(sizes)] }"
    }
    return inputs.count == 1 ? inputs[0] : "[\(inputs.joined(separator: ", "))]"
  }

  private static func quoted(_ text: String) -> String { JSONValue.string(text).text(.oneLine) }
  private static func named(_ layer: QuantizedLayer?) -> String { layer.map { "'\(comment($0.name))'" } ?? "none" }

  /// A name that stays within its comment.
  private static func comment(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
}
