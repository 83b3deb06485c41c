import Foundation
import QATDeployment
import QATEngine
import QATGraph
import QATLowering
import QATModels
import QATONNX
import QATTensor
import QATTensorFlow
import Testing

/// What the deployed evaluation computes is what the runtime computes: every code that the runtime can be asked for, and every bit of the scores.
@Suite struct DeployedArithmeticTests {
  private static func images(for graph: Graph, _ count: Int, seed: UInt64 = 7) -> NDArray<Float> {
    let type = graph.inputs[0].type
    var net = QuantizedNetwork(channels: type.dimensions[1].fixedSize ?? 0, size: type.dimensions[2].fixedSize ?? 0, seed: seed)
    return net.images(count)
  }

  private static func scores(_ lowered: LoweredGraph, _ runtime: Runtime, _ images: NDArray<Float>, in folder: TemporaryFolder) throws -> [String:
    [Float]]
  {
    switch runtime {
    case .onnxRuntime:
      try ONNXFile.write(lowered, to: folder.file("model.onnx"), target: runtime)
      return try PythonRuntime.outputs(of: folder.file("model.onnx"), on: images, in: folder)
    case .openVINO, .portable:
      try ONNXFile.write(lowered, to: folder.file("model.onnx"), target: runtime)
      return try OpenVINORun(folder.file("model.onnx"), on: images, in: folder).outputs
    case .tensorFlow:
      try TensorFlowFile.write(lowered, to: folder.file("model.pb"), target: runtime)
      // TensorFlow allows fewer letters in names.
      let file = try TensorFlowFile.read(contentsOf: folder.file("model.pb"))
      let types = try file.tensorTypes(batchSize: images.shape[0])
      let input = try FrozenModel.Array(Tensor(images.elements, shape: images.shape), file: folder.file("images"))
      let run = try FrozenRun.of(
        folder.file("model.pb"), on: [file.inputs[0].name: input], outputs: file.outputs, batch: images.shape[0], in: folder)
      let found = try zip(lowered.simulation.outputs, file.outputs).map { name, fileName in
        let shape = FrozenModel.Array.fileShape(types[fileName]?.shape(batchSize: images.shape[0]) ?? [])
        return (name, try FrozenModel.Array(file: #require(run.tensorflow[fileName]), shape: shape).tensor().floats ?? [])
      }
      return Dictionary(uniqueKeysWithValues: found)
    }
  }

  /// How many elements of the network's first output differ between a runtime and its deployed evaluation: codes where it has some, otherwise any bit.
  /// (A layer at a network's end may make the floats of its codes itself, and round those otherwise.)
  private static func differences(_ lowered: LoweredGraph, _ runtime: Runtime, on images: NDArray<Float>) throws -> (count: Int, of: Int) {
    let folder = try TemporaryFolder()
    let name = lowered.simulation.outputs[0]
    let expected = try #require(try scores(lowered, runtime, images, in: folder)[name])
    let network = try DeployedNetwork(lowered, target: runtime, batchSize: images.shape[0])
    let found = try #require(try network.run([lowered.simulation.inputs[0].name: images])[name]).values.elements
    try #require(found.count == expected.count && found.count > 0)
    if let grid = lowered.activations[name] { return (zip(found, expected).count { grid.code($0) != grid.code($1) }, found.count) }
    return (zip(found, expected).count { $0.bitPattern != $1.bitPattern }, found.count)
  }

  @Test(arguments: TieDenseLayer.allCases, TieDenseLayer.rectified)
  func tiesAreRoundedAsInONNXRuntime(layer: TieDenseLayer, isRectified: Bool) throws {
    try expectNoDifference(layer, isRectified, .onnxRuntime)
  }

  @Test(arguments: TieDenseLayer.allCases.filter { ![.addition, .multiplication].contains($0) }, TieDenseLayer.rectified)
  func tiesAreRoundedAsInOpenVINO(layer: TieDenseLayer, isRectified: Bool) throws {
    try expectNoDifference(layer, isRectified, .openVINO)
  }

  /// Each layer once; in the long run of the tests both with and without a ReLU.
  private static let exactLayers = TieDenseLayer.allCases.filter { $0 != .normalization }.enumerated().flatMap { index, layer in
    (isFull ? TieDenseLayer.rectified : [index.isMultiple(of: 2)]).map { (layer, $0) }
  }
  private static let isFull = ProcessInfo.processInfo.environment["QAT_TEST_CAMPAIGNS"] == "full"

  /// TensorFlow adds up floats in an order of its own, so that its sums are known where float32 holds them in every order; ties go up there, not to even codes.
  @Test(arguments: exactLayers)
  func exactTiesAreRoundedAsInTensorFlow(layer: TieDenseLayer, isRectified: Bool) throws {
    try expectNoDifference(layer, isRectified, .tensorFlow, isExact: true)
  }

  /// Values on ties, and up to three units in the last place beside them.
  @Test(arguments: Runtime.allCases.filter { $0 != .portable }, [true, false])
  func floatsBecomeTheCodesThatTheRuntimeMakesOfThem(runtime: Runtime, signed: Bool) throws {
    let scale: Float = 0.023_456_7
    var net = QuantizedNetwork(channels: 8, size: 32, seed: 9)
    let codes = net.quantizer("image", scale: scale, signed: signed)
    let lowered = try lower(net.returning(codes))
    let grid = try #require(lowered.activations.values.first)
    let shape = [128, 8, 32, 32]
    let noise = net.random(shape.reduce(1, *))
    let images = noise.enumerated().map { index, number in
      var value = (Float(index % 260 - grid.zeroPoint) + 0.5) * grid.scale
      for _ in 0..<Int(abs(number) * 4) { value = number < 0 ? value.nextDown : value.nextUp }
      return value
    }
    let (count, total) = try Self.differences(lowered, runtime, on: NDArray(images, shape: shape))
    #expect(count == 0 && total > 1_000_000, "\(count) of \(total) differ")
  }

  private func expectNoDifference(_ layer: TieDenseLayer, _ isRectified: Bool, _ runtime: Runtime, isExact: Bool = false) throws {
    let lowered = try lower(layer.graph(isRectified: isRectified, hasPowersOfTwo: isExact))
    var net = QuantizedNetwork(channels: 8, size: 32, seed: 11)
    let scale = try #require(lowered.activations["image|OUTPUT_out"]).scale
    let images = net.smallImages(layer == .globalAverage ? 256 : 128, scale: scale)
    let (count, total) = try Self.differences(lowered, runtime, on: images)
    #expect(count == 0, "\(count) of \(total) differ")
  }

  /// Compares a network in ONNX Runtime with its deployed evaluation.
  /// - Returns: how many codes were compared.
  private static func requireEqualCodes(_ lowered: LoweredGraph, on images: NDArray<Float>) throws -> Int {
    let folder = try TemporaryFolder()
    try ONNXFile.write(lowered, to: folder.file("model.onnx"))
    let observed = try ObservedCodes(of: folder.file("model.onnx"), lowered, on: images, in: folder)
    for layer in observed.layers { #expect(layer.differing == 0, "\(layer.name): \(layer.differing) of \(layer.count) codes differ") }
    for (name, (theirs, ours)) in observed.scores {
      #expect(theirs.count == ours.count && ours.count > 0)
      let differing = zip(ours, theirs).count { $0.bitPattern != $1.bitPattern }
      #expect(differing == 0, "\(name): \(differing) of \(ours.count) scores differ")
    }
    return observed.layers.reduce(0) { $0 + $1.count }
  }

  @Test(arguments: ExampleNetwork.allCases, [true, false])
  func everyCodeIsThatOfONNXRuntime(network: ExampleNetwork, halfRange: Bool) throws {
    let lowered = try lower(network.graph(halfRange: halfRange))
    let compared = try Self.requireEqualCodes(lowered, on: Self.images(for: lowered.simulation, 256))
    #expect(compared > 3000, "\(compared)")
  }

  /// With a step of 20 the clip at 6 leaves the code 0 alone, with one of 3 the codes 0 to 2.
  @Test(arguments: Runtime.withIntegerKernels, [Float(20), 3])
  func aClipLeavesFewCodesInEveryRuntime(runtime: Runtime, step: Float) throws {
    var net = QuantizedNetwork(channels: 8, size: 12, seed: 5)
    let image = net.quantizer("image", scale: 0.5, signed: true)
    let clipped = net.node("clip", Clip(lower: 0, upper: 6), try net.convolution("first", image, outputs: 8, bias: true))
    let codes = net.quantizer(clipped, scale: step, signed: false)
    let second = net.quantizer(try net.convolution("second", codes, outputs: 4, bias: true), scale: 0.07, signed: true)
    let lowered = try lower(net.returning(second))
    #expect(lowered.activations[codes]?.range.upperBound == Int((6 / step).rounded()))
    let images = NDArray(net.images(16).elements.map { $0 * 60 }, shape: [16, 8, 12, 12])
    let (count, total) = try Self.differences(lowered, runtime, on: images)
    #expect(count == 0, "\(count) of \(total) differ")
    // And the file is read as the same network.
    let folder = try TemporaryFolder()
    try ONNXFile.write(lowered, to: folder.file("model.onnx"), target: runtime)
    let again = try lower(ONNXFile.read(contentsOf: folder.file("model.onnx")))
    #expect(again.activations.values.map(\.range).sorted { $0.upperBound < $1.upperBound }.first == 0...Int((6 / step).rounded()))
  }

  @Test(arguments: ExampleNetwork.allCases)
  func everyScoreIsThatOfOpenVINO(network: ExampleNetwork) throws {
    let lowered = try lower(network.graph())
    let (count, total) = try Self.differences(lowered, .openVINO, on: Self.images(for: lowered.simulation, 256))
    #expect(count == 0, "\(count) of \(total) scores differ")
  }

  @Test(arguments: ["resnet_small", "mobilenet_small"])
  func everyScoreOfAnArchitectureIsThatOfOpenVINO(name: String) throws {
    let graph = try #require(architecture(named: name, classes: 10))
    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    let lowered = try lower(graph.withQuantizersEverywhere(images: net.images(4)))
    let (count, total) = try Self.differences(lowered, .openVINO, on: net.images(256))
    #expect(count == 0, "\(count) of \(total) scores differ")
  }

  @Test(arguments: zip(["resnet_small", "mobilenet_small"], [256, 256]))
  func everyCodeOfAnArchitectureIsThatOfONNXRuntime(name: String, count: Int) throws {
    let graph = try #require(architecture(named: name, classes: 10))
    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    let lowered = try lower(graph.withQuantizersEverywhere(images: net.images(4)))
    let compared = try Self.requireEqualCodes(lowered, on: net.images(count))
    #expect(compared > 1_000_000, "\(compared)")
  }

  /// Networks of published size, 256 images each: every code in ONNX Runtime, every score in OpenVINO.
  @Test(arguments: isFull ? ["resnet18", "mobilenet_v2"] : [])
  func publishedArchitecturesAreThoseOfBothRuntimes(name: String) throws {
    let graph = try #require(architecture(named: name, classes: 1000))
    var net = QuantizedNetwork(channels: 3, size: 224, seed: 3)
    let lowered = try lower(graph.withQuantizersEverywhere(images: net.images(2)))
    var compared = 0
    for _ in 0..<8 {
      let images = net.images(32)
      compared += try Self.requireEqualCodes(lowered, on: images)
      let (count, total) = try Self.differences(lowered, .openVINO, on: images)
      #expect(count == 0, "\(count) of \(total) scores differ")
    }
    print("\(name): \(compared) codes and all scores of 256 images compared")
    #expect(compared > 256 * 1_000_000, "\(compared)")
  }
}
