import Foundation
import QAT
import QATDeployment
import QATEngine
import QATGraph
import QATLowering
import QATModels
import QATONNX
import QATOpenVINO
import QATQuantization
import QATTensor
import Testing

/// With steps that are powers of two, ONNX Runtime, OpenVINO, the deployed evaluation and the plan that trains compute the same codes and scores: none differs.
@Suite struct PortableTests {
  /// Networks that are trained some steps before they are compared.
  enum Network: String, CaseIterable, Sendable {
    case residual, mobile, concatenated, logarithmic

    func graph() throws -> Graph {
      switch self {
      case .residual: return try #require(architecture(named: "resnet_small", classes: 10))
      case .mobile: return try #require(architecture(named: "mobilenet_small", classes: 10))
      case .concatenated, .logarithmic:
        var net = NetworkBuilder(name: "joined", input: [1, 28, 28], seed: 5)
        let x = net.relu(net.batchNormalization(net.convolution(net.input, "conv1", channels: 12, kernel: 3, stride: 2, pad: 1), "bn1"), "relu1")
        let left = net.relu(net.batchNormalization(net.convolution(x, "conv2", channels: 8, kernel: 1), "bn2"), "relu2")
        let right = net.relu(net.convolution(x, "conv3", channels: 8, kernel: 3, pad: 1, hasBias: true), "relu3")
        var y = net.concatenation([left, right, net.maxPool(x, "pool", kernel: 3, stride: 1, pad: 1)], "concat")
        y = net.relu(net.batchNormalization(net.convolution(y, "conv4", channels: 16, kernel: 3, pad: 1), "bn4"), "relu4")
        y = net.averagePool(y, "mean", kernel: 2, stride: 2)
        return net.graph(output: net.linear(net.flatten(net.globalAveragePool(y, "gap"), "flatten"), "fc", features: 10))
      }
    }

    /// The network after `steps` steps with the option.
    func trained(steps: Int = 6) throws -> Graph {
      let groups = self == .logarithmic ? #", "weights": { "logarithm_scale": true }, "activations": { "logarithm_scale": true }"# : ""
      let text = """
        { "compression": { "algorithm": "quantization", "power_of_two_scales": true\(groups), "initializer": { "range": { "num_init_samples": 64 } } } }
        """
      let loader = DataLoader(
        try openDataset("synthetic:1,28,28,10,\(16 * steps)", split: .train), batchSize: 16, preprocessing: Preprocessing(mean: [0.5], std: [0.25]),
        seed: 1)
      let config = try NNCFConfig(document: JSONDocument.parse(text, file: "portable"))
      let (controller, model) = try createCompressedModel(Model(graph()), registerDefaultInitArgs(config, loader))
      var optimizer = OptimizerConfiguration(.sgd)
      optimizer.baseLearningRate = 0.02
      let result = try model.fit(loader, epochs: 1, optimizer: optimizer, showsProgress: false)
      #expect(result.steps == steps)
      #expect(!controller.graph.nodes.contains { $0.op is BatchNormalization })
      return try model.trainedGraph()
    }
  }

  /// Codes of every activation quantizer, and the outputs, as the plan that trains evaluates them.
  private static func planned(
    _ graph: Graph, _ lowered: LoweredGraph, _ images: NDArray<Float>, _ arithmetic: ForwardArithmetic
  ) throws -> (codes: [TensorName: [UInt8]], outputs: [TensorName: [Float]]) {
    let quantized = graph.nodes.filter { $0.op is FakeQuantize && lowered.activations[$0.outputs[0]] != nil }.map { $0.outputs[0] }
    let plan = try Plan(graph, state: ModelState(graph), batchSize: images.shape[0], mode: .evaluation, arithmetic: arithmetic, observed: quantized)
    _ = plan.input(graph.inputs[0].name).update(fromContentsOf: images.elements)
    plan.forward()
    var codes: [TensorName: [UInt8]] = [:]
    for name in quantized {
      let grid = try #require(lowered.activations[name])
      codes[name] = plan.output(name).map { UInt8(grid.code($0)) }
    }
    return (codes, Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0, Array(plan.output($0))) }))
  }

  private static func differing(_ a: [Float], _ b: [Float]) -> Int {
    a.count == b.count ? zip(a, b).count { $0.bitPattern != $1.bitPattern } : max(a.count, b.count)
  }

  @Test(arguments: Network.allCases)
  func aTrainedNetworkHasTheSameCodesEverywhere(network: Network) throws {
    let graph = try network.trained()
    let lowered = try lower(graph)
    try #require(lowered.portability.obstacles.isEmpty, "\(lowered.portability.obstacles)")
    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    // Pixels of 8 bits as they are prepared.
    let images = NDArray(net.images(256).elements.map { ((($0 + 1) * 127.5).rounded() / 255 - 0.5) / 0.25 }, shape: [256, 1, 28, 28])
    let deployed = try DeployedNetwork(lowered, target: .portable, batchSize: 256)
    var codes: [TensorName: [UInt8]] = [:]
    let outputs = try deployed.run(["\(graph.inputs[0].name)": images]) { name, tensor in codes[name] = tensor.codes }
    let scores = try #require(outputs[graph.outputs[0]]).values.elements
    var compared = 0

    // The plan that trains, on integers and in floats.
    for arithmetic in [ForwardArithmetic.float, .integer] {
      let plan = try Self.planned(graph, lowered, images, arithmetic)
      for (name, expected) in plan.codes {
        guard let found = codes[name] else { continue }
        try #require(found.count == expected.count)
        let count = zip(found, expected).count { $0 != $1 }
        #expect(count == 0, "\(arithmetic): \(name): \(count) of \(found.count) codes differ in training's evaluation")
        compared += found.count
      }
      #expect(Self.differing(scores, plan.outputs[graph.outputs[0]] ?? []) == 0, "\(arithmetic) scores in training's evaluation")
    }

    // ONNX Runtime, every code of the file.
    let folder = try TemporaryFolder()
    try ONNXFile.write(lowered, to: folder.file("model.onnx"), target: .portable)
    #expect(try ONNXFile.metadata(contentsOf: folder.file("model.onnx"))["target"] == "portable")
    let theirs = try PythonRuntime.outputs(of: folder.file("model.onnx"), on: images, in: folder)
    var seen = 0
    for node in lowered.simulation.nodes where node.op is FakeQuantize {
      guard let expected = theirs["\(node.inputs[0])_q"], let found = codes[node.outputs[0]] else { continue }
      try #require(expected.count == found.count)
      let count = zip(expected, found).count { $0 != Float($1) }
      #expect(count == 0, "\(node.name): \(count) of \(found.count) codes differ in ONNX Runtime")
      seen += found.count
    }
    #expect(seen > 500_000, "\(seen)")
    #expect(Self.differing(scores, theirs[graph.outputs[0]] ?? []) == 0, "scores in ONNX Runtime")

    // OpenVINO: the scores of the ONNX file and of its own; the codes behind additions and concatenations in networks that end there.
    #expect(
      Self.differing(scores, try OpenVINORun(folder.file("model.onnx"), on: images, in: folder).outputs[graph.outputs[0]] ?? []) == 0, "OpenVINO")
    try OpenVINOFile.write(lowered, to: folder.file("model.xml"), target: .portable)
    #expect(
      Self.differing(scores, try OpenVINORun(folder.file("model.xml"), on: images, in: folder).outputs[graph.outputs[0]] ?? []) == 0, "OpenVINO's IR")
    for node in lowered.simulation.nodes where node.op is FakeQuantize {
      guard let found = codes[node.outputs[0]], let grid = lowered.activations[node.outputs[0]] else { continue }
      var truncated = lowered
      truncated.simulation.outputs = [node.outputs[0]]
      try truncated.simulation.keepOnlyWhatOutputsNeed()
      try ONNXFile.write(truncated, to: folder.file("part.onnx"), target: .portable)
      let part = try #require(try OpenVINORun(folder.file("part.onnx"), on: images, in: folder).outputs[node.outputs[0]])
      let count = zip(part, found).count { grid.code($0) != Int($1) }
      #expect(part.count == found.count && count == 0, "\(node.name): \(count) of \(found.count) codes differ in OpenVINO")
    }

    // The file is read as the network that it is.
    let again = try lower(ONNXFile.read(contentsOf: folder.file("model.onnx")))
    #expect(again.weights == lowered.weights && again.biases == lowered.biases)
    #expect(again.simulation.nodes.count == lowered.simulation.nodes.count)
    let operators = try PythonRuntime.run("operators.py", [folder.file("model.onnx")], as: [String: Int].self)
    print("\(network): ONNX Runtime's operators \(operators.sorted { $0.key < $1.key })")
    print(
      "\(network): \(compared) codes compared with training's evaluation, \(seen) with ONNX Runtime; exceptions: \(lowered.portability.exceptions)")
  }

  /// Whether a runtime's file computes what the deployed evaluation and the plan compute, of a layer whose outputs lie on ties.
  @Test(arguments: TieDenseLayer.allCases.filter { $0 != .normalization }, TieDenseLayer.rectified)
  func tiesAreRoundedAlikeEverywhere(layer: TieDenseLayer, isRectified: Bool) throws {
    let graph = try layer.graph(isRectified: isRectified, hasPowersOfTwo: true)
    let lowered = try lower(graph)
    #expect(lowered.portability.isProven, "\(lowered.portability)")
    let name = graph.outputs[0]
    let grid = try #require(lowered.activations[name])
    var net = QuantizedNetwork(channels: 8, size: 32, seed: 11)
    let images = net.smallImages(layer == .globalAverage ? 256 : 128, scale: 0x1p-6).inSteps(of: 0x1p-20)
    let network = try DeployedNetwork(lowered, target: .portable, batchSize: images.shape[0])
    let found = try #require(try network.run([graph.inputs[0].name: images])[name]).values.elements.map(grid.code)
    let folder = try TemporaryFolder()
    try ONNXFile.write(lowered, to: folder.file("model.onnx"), target: .portable)
    let others = [
      "ONNX Runtime": try PythonRuntime.outputs(of: folder.file("model.onnx"), on: images, in: folder)[name] ?? [],
      "OpenVINO": try OpenVINORun(folder.file("model.onnx"), on: images, in: folder).outputs[name] ?? [],
      "training's evaluation": try Self.planned(graph, lowered, images, .float).outputs[name] ?? [],
    ]
    for (runtime, values) in others {
      let count = zip(values, found).count { grid.code($0) != $1 }
      #expect(values.count == found.count && count == 0, "\(count) of \(found.count) differ in \(runtime)")
    }
  }

  /// What is promised of the network's input where it has a zero-point: multiples of 2⁻¹⁶ steps, or numbers that are not within 2⁻¹⁷ steps of a tie.
  @Test(arguments: [true, false]) func onlyInputsBesideTiesFallOtherwiseInOpenVINO(isSigned: Bool) throws {
    var net = QuantizedNetwork(channels: 8, size: 32, seed: 11)
    net.hasPowersOfTwo = true
    let step: Float = 0x1p-7
    let quantized = net.quantizer("image", scale: step, signed: isSigned)
    let pooled = net.node("pool", MaxPool(window: Window(square: 1)), quantized)
    let lowered = try lower(net.returning(pooled))
    let images = NDArray(net.images(256).elements.map { $0 * 0.937 }, shape: [256, 8, 32, 32])
    let folder = try TemporaryFolder()
    try ONNXFile.write(lowered, to: folder.file("model.onnx"), target: .portable)
    let name = lowered.simulation.outputs[0]
    let network = try DeployedNetwork(lowered, target: .portable, batchSize: 256)
    let found = try #require(try network.run(["image": images])[name]).values.elements
    let onnxRuntime = try #require(try PythonRuntime.outputs(of: folder.file("model.onnx"), on: images, in: folder)[name])
    #expect(Self.differing(found, onnxRuntime) == 0)
    let openVINO = try #require(try OpenVINORun(folder.file("model.onnx"), on: images, in: folder).outputs[name])
    try #require(openVINO.count == found.count)
    let places = found.indices.filter { openVINO[$0] != found[$0] }.map { Double(images.elements[$0]) / Double(step) }
    #expect(places.allSatisfy { abs(abs($0 - $0.rounded(.down)) - 0.5) <= 0x1p-17 }, "\(places.prefix(5))")
    // About one in 2¹⁶ of numbers whose last digit is far below.
    #expect(isSigned ? (1..<200).contains(places.count) : places.isEmpty, "\(places.count)")
    print("inputs beside ties, signed \(isSigned): \(places.count) of \(found.count) fall otherwise in OpenVINO")
  }

  @Test func aBranchThatIsAddedStaysOnIntegersInBothRuntimes() throws {
    let lowered = try lower(TieDenseLayer.residual.graph(isRectified: true, hasPowersOfTwo: true))
    let folder = try TemporaryFolder()
    try ONNXFile.write(lowered, to: folder.file("model.onnx"), target: .portable)
    var net = QuantizedNetwork(channels: 8, size: 32, seed: 11)
    let layers = try OpenVINORun(folder.file("model.onnx"), on: net.images(2), in: folder).layers
    let products = layers.filter { $0.type == "Convolution" }
    #expect(!products.isEmpty && products.allSatisfy { ["i8", "u8", "I8", "U8"].contains($0.precision) }, "\(products)")
    let report = try PythonRuntime.run("operators.py", [folder.file("model.onnx")], as: [String: Int].self)
    #expect((report["QLinearConv"] ?? 0) == 1 && (report["Conv"] ?? 0) == 0, "\(report)")
  }
}

extension NDArray<Float> {
  /// The nearest whole multiples of a step.
  fileprivate func inSteps(of step: Float) -> NDArray<Float> { NDArray(elements.map { ($0 / step).rounded() * step }, shape: shape) }
}

extension Graph {
  /// Removes the nodes and constants that no output depends on.
  fileprivate mutating func keepOnlyWhatOutputsNeed() throws {
    var needed = Set(outputs)
    for node in nodes.reversed() where node.outputs.contains(where: needed.contains) { needed.formUnion(node.inputs) }
    nodes.removeAll { !$0.outputs.contains(where: needed.contains) }
    constants = constants.filter { needed.contains($0.key) }
  }
}
