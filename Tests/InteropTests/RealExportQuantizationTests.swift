import Foundation
import QAT
import QATCommunication
import QATDeployment
import QATEngine
import QATGraph
import QATLowering
import QATONNX
import QATOpenVINO
import QATQuantization
import QATSafetensors
import QATTensor
import Testing

/// Real exports of segmentation, detection, attention and hybrid networks on the whole way: placed as NNCF does, ranges from data, integers, ONNX and OpenVINO IR, and what the runtimes make of these.
@Suite("Real exports, quantized") struct RealExportQuantizationTests {
  private struct Samples: BatchSource {
    var inputs: NDArray<Float>
    var sampleCount: Int { inputs.shape[0] }

    func read(_ range: Range<Int>, input: TensorName, into destination: UnsafeMutableBufferPointer<Float>) {
      let size = inputs.count / sampleCount
      _ = destination.update(fromContentsOf: inputs.elements[range.lowerBound * size..<range.upperBound * size])
    }
  }

  /// How far the outputs may be from the deployed evaluation, in shares of their root mean square, in ONNX Runtime and in OpenVINO.
  ///
  /// Where nothing but floats between integer layers is computed otherwise, that is rounding. SSD300 normalises floats, and codes beside ties move others behind them; in ViT and MaxViT
  /// normalisations, softmaxes and GELU do. Swin V2 divides by norms that quantization makes 0 at the padding: of 0 / 0 OpenVINO makes another code than ONNX Runtime, so that its outputs
  /// are not compared there.
  private static let networks: [(name: String, onnxRuntime: Double, openVINO: Double?)] = [
    ("ssd300-ts17", 2e-3, 1e-2), ("ssd300-dyn20", 2e-3, 1e-2), ("fcn-ts17keep", 1e-6, 1e-6), ("fcn-dyn20", 1e-6, 1e-6),
    ("deeplabv3-ts17keep", 1e-6, 1e-6),
    ("deeplabv3-dyn20", 1e-6, 1e-6), ("vit-ts14", 0.02, 0.03), ("maxvit-dyn20", 1e-3, 0.15), ("swin_v2-dyn20", 1e-3, nil),
  ]

  @Test(arguments: networks)
  func becomeIntegersThatRuntimesExecute(name: String, onnxRuntime: Double, openVINO: Double?) throws {
    let folder = try TemporaryFolder()
    _ = try PythonRuntime.run("exports.py", ["fill", RealExportTests.fixtures, folder.path, name], as: [String].self)
    let graph = try ONNXFile.read(contentsOf: folder.file("\(name).onnx"))
    var net = QuantizedNetwork(channels: 3, size: graph.inputs[0].type.dimensions[2].fixedSize ?? 0, seed: 11)
    let images = net.images(4)
    var quantization = QuantizationConfiguration()
    (quantization.range, quantization.batchNormAdaptationSampleCount) = (.everywhere(.init(.minMax, sampleCount: 4)), 4)
    let controller = try createCompressedModel(
      graph, quantization, device: .cpu, calibration: Samples(inputs: images), calibrationBatchSize: 4, communicator: SingleProcess())
    let network = try ModelFormat.Network(controller.graph)
    let lowered = try #require(network.lowered)
    let convolutions = graph.nodes.count { $0.op is Convolution }
    #expect(lowered.integerLayers.count { $0.type == "Conv" } == convolutions, "\(lowered.floatOperators)")

    // Code for code what was trained, on the way through the file.
    try ModelFormat.onnx.write(network, to: folder.file("int8.onnx"))
    let again = try lower(ONNXFile.read(contentsOf: folder.file("int8.onnx")))
    #expect(again.integerLayers.count == lowered.integerLayers.count)
    for layer in lowered.integerLayers { #expect(again.weights[layer.weight]?.codes == lowered.weights[layer.weight]?.codes, "\(layer.name)") }
    try ONNXFile.write(again, to: folder.file("again.onnx"))
    let bytes = try ["int8", "again"].map { try Data(contentsOf: URL(filePath: folder.file("\($0).onnx"))) }
    #expect(bytes[0] == bytes[1])

    try OpenVINOFile.write(lowered, to: folder.file("int8.xml"))
    let proof = try ExportProof(
      of: again, against: lowered, target: .onnxRuntime, samples: network.samples(1, from: Samples(inputs: images)), timeLimit: .seconds(60))
    #expect(proof.isProven, "\(proof.faults)")
    #expect(proof.undefined.isEmpty != name.hasPrefix("swin_v2"))

    // Codes of ONNX Runtime, one by one; scores of both.
    let observed = try ObservedCodes(of: folder.file("int8.onnx"), lowered, on: images, in: folder)
    let (compared, differing) = observed.layers.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + $1.differing) }
    print("  \(name): \(differing) of \(compared) codes differ in ONNX Runtime, by at most \(observed.layers.map(\.largest).max() ?? 0)")
    let deployed = try DeployedNetwork(lowered, target: .openVINO, batchSize: 4).run([graph.inputs[0].name: images])
    let inOpenVINO = try OpenVINORun(folder.file("int8.xml"), on: images, in: folder).outputs
    let float = try Self.outputs(controller.graph.withoutQuantizers(graph), images)
    for output in graph.outputs {
      let exact = try #require(float[output])
      let (theirs, ours) = try #require(observed.scores[output])
      let cost = Self.distance(ours, exact)
      var distances = [("ONNX Runtime", Self.distance(theirs, ours), onnxRuntime)]
      if let openVINO {
        distances.append(("OpenVINO", Self.distance(try #require(inOpenVINO[output]), try #require(deployed[output]).values.elements), openVINO))
      }
      for (runtime, distance, limit) in distances {
        print("  \(name), \(output): \(runtime) \(distance) from the deployed evaluation, fp32 \(cost), in shares of the root mean square")
        #expect(
          cost > 0 && distance <= limit, "\(name), \(output): \(runtime) is \(distance) from the deployed evaluation, which is \(cost) from fp32")
      }
    }
  }

  private static func outputs(_ graph: Graph, _ images: NDArray<Float>) throws -> [TensorName: [Float]] {
    let plan = try Plan(graph, state: ModelState(graph), batchSize: images.shape[0], mode: .evaluation)
    _ = plan.input(graph.inputs[0].name).update(fromContentsOf: images.elements)
    plan.forward()
    return Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0, Array(plan.output($0))) })
  }

  /// The root mean square of differences, of that of the values.
  private static func distance(_ values: [Float], _ others: [Float]) -> Double {
    guard values.count == others.count, !values.isEmpty else { return .infinity }
    func square(_ values: some Sequence<Double>) -> Double { values.reduce(0) { $0 + $1 * $1 } }
    return (square(zip(values, others).map { Double($0) - Double($1) }) / square(others.map(Double.init))).squareRoot()
  }
}

extension Graph {
  /// An fp32 network with this one's parameters and adapted statistics.
  fileprivate func withoutQuantizers(_ float: Graph) -> Graph {
    var float = float
    for name in float.constants.keys { if let constant = constants[name] { float.constants[name] = constant } }
    return float
  }
}
