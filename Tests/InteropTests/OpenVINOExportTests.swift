import Foundation
import QATDeployment
import QATEngine
import QATGraph
import QATLowering
import QATModels
import QATONNX
import QATOpenVINO
import QATTensor
import Testing

/// Quantized networks as OpenVINO IR: the same answers as their ONNX files, executed on integers, a quarter of the size.
@Suite struct OpenVINOExportTests {
  private static let products = ["Convolution", "FullyConnected", "MatMul", "Deconvolution"]

  private static func images(for graph: Graph, _ count: Int) -> NDArray<Float> {
    let type = graph.inputs[0].type
    var net = QuantizedNetwork(channels: type.dimensions[1].fixedSize ?? 0, size: type.dimensions[2].fixedSize ?? 0, seed: 7)
    return net.images(count)
  }

  /// Compares the IR of a network with its ONNX file for OpenVINO, and with the deployed evaluation, bit for bit; and looks at what OpenVINO executes.
  private func check(_ lowered: LoweredGraph, on images: NDArray<Float>) throws {
    let folder = try TemporaryFolder()
    let (ir, onnx) = (folder.file("model.xml"), folder.file("model.onnx"))
    try OpenVINOFile.write(lowered, to: ir, metadata: ["note": "<a & \"b\">"])
    try ONNXFile.write(lowered, to: onnx, target: .openVINO)
    let name = lowered.simulation.outputs[0]
    let run = try OpenVINORun(ir, on: images, in: folder)
    let found = try #require(run.outputs[name])
    let viaONNX = try #require(try OpenVINORun(onnx, on: images, in: folder).outputs[name])
    let network = try DeployedNetwork(lowered, target: .openVINO, batchSize: images.shape[0])
    let deployed = try #require(try network.run([lowered.simulation.inputs[0].name: images])[name]).values.elements
    try #require(found.count == deployed.count && viaONNX.count == found.count && !found.isEmpty)
    #expect(zip(found, viaONNX).count { $0.bitPattern != $1.bitPattern } == 0, "scores differ from those of the ONNX file")
    #expect(zip(found, deployed).count { $0.bitPattern != $1.bitPattern } == 0, "scores differ from those of the deployed evaluation")

    // OpenVINO's own quantizers in ONNX: the same up to the scales that it computes from bounds, a unit in the last place, which moves codes beside ties.
    let fakeQuantize = folder.file("fakequantize.onnx")
    try ONNXFile.write(lowered, to: fakeQuantize, quantizers: .openVINO)
    let third = try OpenVINORun(fakeQuantize, on: images, in: folder)
    let scores = try #require(third.outputs[name])
    let layer = try #require(lowered.integerLayers.last)
    let step = try #require(lowered.activations[layer.input]).scale * (lowered.weights[layer.weight]?.values.floats?.map(abs).max() ?? 0)
    let distance = zip(found, scores).map { abs($0 - $1) }.max() ?? .infinity
    #expect(scores.count == found.count && distance <= 4 * step, "\(distance / step) steps of the last grid")
    #expect(
      third.layers.count { ["i8", "u8"].contains($0.precision.lowercased()) && Self.products.contains($0.type) } == lowered.integerLayers.count)

    // Each integer layer runs on bytes.
    let products = run.layers.filter { Self.products.contains($0.type) }
    for layer in products { print("  \(layer.name) (\(layer.type)): \(layer.precision)") }
    let integer = products.count { ["i8", "u8"].contains($0.precision.lowercased()) }
    #expect(integer == lowered.integerLayers.count, "\(products.map { "\($0.name) \($0.precision)" })")
  }

  @Test(arguments: ExampleNetwork.allCases)
  func givesTheScoresOfTheONNXFileAndOfTheDeployedEvaluation(network: ExampleNetwork) throws {
    let lowered = try lower(network.graph())
    try check(lowered, on: Self.images(for: lowered.simulation, 64))
  }

  @Test(arguments: ["resnet_small", "mobilenet_small"])
  func writesArchitectures(name: String) throws {
    let graph = try #require(architecture(named: name, classes: 10))
    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    try check(lower(graph.withQuantizersEverywhere(images: net.images(4))), on: net.images(64))
  }

  /// The layers are text of 150 to 350 kB, which weigh with a small network; the constants are a quarter.
  @Test(arguments: ["resnet18", "mobilenet_v2"])
  func isAQuarterOfTheSize(name: String) throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: name, classes: 1000))
    var net = QuantizedNetwork(channels: 3, size: 224, seed: 3)
    try OpenVINOFile.write(graph, to: folder.file("fp32.xml"))
    let lowered = try lower(graph.withQuantizersEverywhere(images: net.images(1)))
    try OpenVINOFile.write(lowered, to: folder.file("int8.xml"))
    func size(_ name: String) throws -> Int {
      try ["xml", "bin"].reduce(0) { sum, suffix in
        sum + (try FileManager.default.attributesOfItem(atPath: folder.file("\(name).\(suffix)"))[.size] as? Int ?? 0)
      }
    }
    let ratio = Double(try size("int8")) / Double(try size("fp32"))
    print("\(name) as OpenVINO IR: INT8 is \(ratio) of fp32")
    #expect(ratio < 0.28)
  }

  @Test func equalNetworksGiveEqualBytesAndNamesAreEscaped() throws {
    var graph = Graph(name: "a<b>&\"c\"", inputs: [.init(name: "in,put", type: TensorType([.batch, 3]))], outputs: ["<out>"])
    graph.nodes = [Node(name: "re\"lu\u{1}", op: Relu(), inputs: ["in,put"], outputs: ["<out>"])]
    let folder = try TemporaryFolder()
    for name in ["first.xml", "second.xml"] { try OpenVINOFile.write(graph, to: folder.file(name), metadata: ["1 key": "v<\">"]) }
    let bytes = try ["first", "second"].map { try Data(contentsOf: URL(filePath: folder.file("\($0).xml"))) }
    #expect(bytes[0] == bytes[1])
    let run = try OpenVINORun(folder.file("first.xml"), on: NDArray([-1, 0, 2], shape: [1, 3]), in: folder)
    #expect(run.outputs["<out>"] == [0, 0, 2])
  }

  @Test func refusesWhatOpenVINOCannotSayAndLeavesNothing() throws {
    var graph = Graph(name: "wrap", inputs: [.init(name: "x", type: TensorType([.batch, 3]))], outputs: ["y"])
    graph.nodes = [Node(name: "pad", op: Pad(pads: [0, 1, 0, 1], mode: .wrap), inputs: ["x"], outputs: ["y"])]
    let folder = try TemporaryFolder()
    #expect(throws: OpenVINOError(file: folder.file("m.xml"), node: "pad", "OpenVINO cannot pad with the elements at the other end (mode wrap)")) {
      try OpenVINOFile.write(graph, to: folder.file("m.xml"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
