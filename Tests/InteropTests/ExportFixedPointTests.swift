import Foundation
import QATGraph
import QATLowering
import QATModels
import QATONNX
import Testing

/// Reading a file that we wrote and writing it again changes nothing: no code, no scale, no name, no byte.
@Suite struct ExportFixedPointTests {
  private func expectFixedPoint(_ lowered: LoweredGraph, _ quantizers: ONNXQuantizers, _ target: Runtime = .onnxRuntime) throws {
    let folder = try TemporaryFolder()
    let files = ["first", "second"].map { folder.file("\($0).onnx") }
    try ONNXFile.write(lowered, to: files[0], target: target, quantizers: quantizers)
    try ONNXFile.write(lower(ONNXFile.read(contentsOf: files[0])), to: files[1], target: target, quantizers: quantizers)
    let bytes = try files.map { try Data(contentsOf: URL(filePath: $0)) }
    let place = zip(bytes[0], bytes[1]).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    #expect(bytes[0] == bytes[1], "\(bytes[0].count) and \(bytes[1].count) bytes, the first difference at \(place ?? -1)")
  }

  @Test(arguments: ExampleNetwork.allCases, [ONNXQuantizers.linear, .openVINO])
  func aQuantizedFileIsWrittenAgainAsItWas(network: ExampleNetwork, quantizers: ONNXQuantizers) throws {
    for seed in 1...3 { try expectFixedPoint(lower(network.graph(seed: UInt64(seed))), quantizers) }
  }

  @Test(arguments: ["resnet_small", "mobilenet_small"], [Runtime.onnxRuntime, .openVINO])
  func aQuantizedArchitectureIsWrittenAgainAsItWas(name: String, target: Runtime) throws {
    let graph = try #require(architecture(named: name, classes: 10))
    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    try expectFixedPoint(lower(graph.withQuantizersEverywhere(images: net.images(4))), .linear, target)
  }

  /// Large networks have weights of zeros, which are made faster and compared as well.
  @Test(arguments: architectureNames)
  func anFP32FileIsWrittenAgainAsItWas(name: String) throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: name, classes: 10, weights: name.hasSuffix("_small") ? nil : .constant(0)))
    let files = ["first", "second"].map { folder.file("\($0).onnx") }
    try ONNXFile.write(graph, to: files[0])
    try ONNXFile.write(ONNXFile.read(contentsOf: files[0]), to: files[1])
    #expect(try Data(contentsOf: URL(filePath: files[0])) == Data(contentsOf: URL(filePath: files[1])))
  }
}
