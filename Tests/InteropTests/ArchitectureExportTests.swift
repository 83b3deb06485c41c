import Foundation
import QATEngine
import QATGraph
import QATLowering
import QATModels
import QATONNX
import QATQuantization
import QATTensor
import Testing

/// The architectures of QATModels, quantized and written: sizes of the files, and what ONNX Runtime makes of them.
@Suite struct ArchitectureExportTests {
  private static func size(_ path: String) throws -> Double {
    Double(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0)
  }

  @Test(arguments: zip(["resnet_small", "mobilenet_small", "resnet18", "mobilenet_v2"], [0.36, 0.36, 0.27, 0.28]))
  func filesAreSmallAndRunOnIntegers(name: String, limit: Double) throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: name, classes: defaultClassCount(ofArchitecture: name)))
    let lowered = try lower(graph.withQuantizersEverywhere())
    #expect(lowered.floatOperators.isEmpty, "\(lowered.floatOperators)")
    try ONNXFile.write(graph, to: folder.file("fp32.onnx"))
    try ONNXFile.write(lowered, to: folder.file("int8.onnx"))
    let ratio = try Self.size(folder.file("int8.onnx")) / Self.size(folder.file("fp32.onnx"))
    #expect(ratio <= limit, "\(ratio)")

    let operators = try PythonRuntime.run("operators.py", [folder.file("int8.onnx")], as: [String: Int].self)
    #expect(operators["QLinearConv"] == graph.nodes.count { $0.op is Convolution }, "\(operators)")
    #expect(operators["QGemm"] == 1, "\(operators)")
    #expect(operators["QLinearAdd", default: 0] == graph.nodes.count { $0.op is Add }, "\(operators)")
    #expect(operators["Conv"] == nil && operators["FusedConv"] == nil && operators["DequantizeLinear"] == nil, "\(operators)")
  }

  @Test(arguments: ["resnet_small", "mobilenet_small"])
  func runtimeAndSimulationGiveTheSameScores(name: String) throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: name, classes: 10))
    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    let lowered = try lower(graph.withQuantizersEverywhere(images: net.images(4)))
    try ONNXFile.write(lowered, to: folder.file("int8.onnx"))
    let images = net.images(16)
    var executor = try ReferenceExecutor<Float>(lowered.simulation, batchSize: 16)
    let ours = try #require(try executor.forward(["input": images], mode: .evaluation)["logits"]).elements
    let theirs = try #require(try PythonRuntime.outputs(of: folder.file("int8.onnx"), on: images, in: folder)["logits"])
    let largest = ours.map(abs).max() ?? 0
    #expect(largest > 0)
    #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) < 0.05 * largest })
  }

  /// Quantizers where NNCF's rules put them, with ranges made up. Asymmetric grids begin at zero behind a ReLU, as data would have it.
  private static func placed(
    _ graph: Graph, on device: TargetDevice = .any, _ change: (inout QuantizationConfiguration) -> Void
  ) throws -> Graph {
    var configuration = QuantizationConfiguration()
    change(&configuration)
    var setup = try placeQuantizers(in: graph, configuration, device: device).setup
    #expect(setup.points.count > 10)
    var negative = Set<String>()
    for (index, point) in setup.points.enumerated() where point.kind == .activation {
      let maker = graph.node(named: point.target.name)?.op
      if !(maker is Relu || maker is Clip || maker is GlobalAveragePool) {
        negative.insert(point.id)
        setup.points[index].specification.signed = true
      }
    }
    var result = try graph.inserting(setup)
    for point in setup.points {
      let shape = point.specification.parameterShape
      // Per-channel ranges differ, so that what unifies them has work to do.
      let spread = Tensor((0..<shape[0]).map { 3 + Float($0 % 7) / 2 }, shape: shape)
      result.constants["\(point.id).scale"]?.tensor = spread
      result.constants["\(point.id).input_low"]?.tensor = Tensor(repeating: negative.contains(point.id) ? -2 : 0, shape: shape)
      result.constants["\(point.id).input_range"]?.tensor = spread
    }
    return result
  }

  @Test(arguments: ["resnet_small", "mobilenet_small", "resnet18", "mobilenet_v2"], [QuantizationConfiguration.Preset.performance, .mixed])
  func networksPlacedAsNNCFDoesRunOnIntegers(name: String, preset: QuantizationConfiguration.Preset) throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: name, classes: 10))
    let lowered = try lower(Self.placed(graph) { $0.preset = preset })
    #expect(lowered.floatOperators.isEmpty, "\(lowered.floatOperators)")
    try ONNXFile.write(lowered, to: folder.file("int8.onnx"))
    let operators = try PythonRuntime.run("operators.py", [folder.file("int8.onnx")], as: [String: Int].self)
    #expect(operators["QLinearConv"] == graph.nodes.count { $0.op is Convolution }, "\(operators)")
    #expect(operators["QGemm"] == 1, "\(operators)")
    #expect(operators["Conv"] == nil && operators["FusedConv"] == nil && operators["DequantizeLinear"] == nil, "\(operators)")
  }

  @Test(arguments: [(2, false), (4, true)], [QuantizationConfiguration.Preset.performance, .mixed])
  func fewerBitsMeanTheSameToTheRuntimeAndToUs(_ form: (bits: Int, perChannel: Bool), preset: QuantizationConfiguration.Preset) throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: "mobilenet_small", classes: 10))
    let lowered = try lower(
      Self.placed(graph, on: .trial) {
        $0.preset = preset
        $0.weights.demands.bits = form.bits
        $0.weights.demands.perChannel = true
        $0.activations.demands.bits = form.bits
        $0.activations.demands.perChannel = form.perChannel
      })
    try ONNXFile.write(lowered, to: folder.file("low.onnx"))
    let last = 1 << form.bits - 1
    for weight in lowered.weights.values { #expect(weight.codes.allSatisfy { -last...last ~= Int($0) }) }
    for codes in lowered.activations.values { #expect(codes.range.count <= 2 * last) }

    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    let images = net.images(4)
    func scores(_ graph: Graph) throws -> [Float] {
      var executor = try ReferenceExecutor<Float>(graph, batchSize: 4)
      return try #require(try executor.forward(["input": images], mode: .evaluation)["logits"]).elements
    }
    let ours = try scores(lowered.simulation)
    let largest = ours.map(abs).max() ?? 0
    let theirs = try #require(try PythonRuntime.outputs(of: folder.file("low.onnx"), on: images, in: folder)["logits"])
    let again = try scores(ONNXFile.read(contentsOf: folder.file("low.onnx")))
    // A value on the border of two codes may fall to either side, and with few codes that is far.
    for others in [theirs, again] {
      #expect(zip(ours, others).count { abs($0 - $1) <= 0.05 * largest } >= 36, "\(zip(ours, others).map { $0 - $1 })")
    }
  }
}
