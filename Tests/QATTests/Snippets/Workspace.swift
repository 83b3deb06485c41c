import Foundation
import QAT
import Testing

/// What the documentation's snippets find around them: a process of their own, in a folder with a network, a configuration and data.
enum Workspace {
  /// Runs a snippet in a folder of its own; an error is an issue of the test that has started the process.
  static func run(_ body: () throws -> Void) {
    do {
      try enter()
      try body()
    } catch {
      Issue.record(error)
    }
  }

  /// Makes the folder and goes there.
  private static func enter() throws {
    EngineEnvironment.threadCount = 1
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-snippet-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: "\(folder)/data", withIntermediateDirectories: true)
    guard FileManager.default.changeCurrentDirectoryPath(folder) else { throw Missing(file: folder) }
    guard let network = architecture(named: "resnet_small", classes: 10) else { throw Missing(file: "resnet_small") }
    try ONNXFile.write(network, to: "net.onnx")
    try TensorFlowFile.write(network, to: "net.pb")
    let configuration = """
      {
        "input_info": { "sample_size": [1, 1, 28, 28] },
        "compression": {
          "algorithm": "quantization",
          "initializer": { "range": { "num_init_samples": 16 }, "batchnorm_adaptation": { "num_bn_adaptation_samples": 16 } },
        },
      }
      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: "int8.json"))
    try writeImages(try openDataset("synthetic:1,28,28,10,64", split: .train), "train")
    try writeImages(try openDataset("synthetic:1,28,28,10,32", split: .test), "t10k")
  }

  /// The objects that the guide has made by its third step.
  static func quantized() throws -> (fp32: Model, loader: DataLoader, config: CompressionConfig, controller: CompressionController, model: Model) {
    let fp32 = try Model.load("net.onnx")
    let loader = DataLoader(
      try openDataset("data", split: .train), batchSize: 16, preprocessing: Preprocessing(mean: [0.286], std: [0.353]))
    let config = registerDefaultInitArgs(try NNCFConfig(contentsOf: "int8.json"), loader)
    let (controller, model) = try createCompressedModel(fp32, config)
    return (fp32, loader, config, controller, model)
  }

  /// Checks that a snippet has written what it says.
  static func require(_ files: String...) throws {
    for file in files where !FileManager.default.fileExists(atPath: file) { throw Missing(file: file) }
  }

  struct Missing: Error { let file: String }

  /// MNIST's files.
  private static func writeImages(_ dataset: any Dataset, _ name: String) throws {
    func header(_ magic: UInt32, _ sizes: [Int]) -> [UInt8] {
      ([magic] + sizes.map { UInt32($0) }).flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    }
    var images = header(0x803, [dataset.count, 28, 28])
    let sample = Sample(for: dataset)
    var classes: [UInt8] = []
    for index in 0..<dataset.count {
      try dataset.read(index, into: sample)
      withExtendedLifetime(sample) {
        images += sample.input(0).map { UInt8($0 * 255) }
        classes.append(UInt8(sample.classes[0]))
      }
    }
    let labels = header(0x801, [dataset.count]) + classes
    try Data(images).write(to: URL(fileURLWithPath: "data/\(name)-images-idx3-ubyte"))
    try Data(labels).write(to: URL(fileURLWithPath: "data/\(name)-labels-idx1-ubyte"))
  }
}
