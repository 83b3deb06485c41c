import Foundation
import QAT
import QATEngine
import QATGraph
import QATLowering
import QATModels
import QATTensor
import Testing

/// Files are read back and computed a second time; what is not what was written is found.
@Suite struct ExportProofTests {
  private static let cases = ModelFormat.allCases.filter(\.isReadable).flatMap { format in
    format.runtimes.filter { $0 != .portable }.map { (format, $0) }
  }

  private static func proof(
    of network: ModelFormat.Network, in format: ModelFormat, samples: Int = 3, limit: Duration = .seconds(60)
  ) throws -> ExportProof {
    let folder = try TemporaryFolder()
    let file = folder.file("model\(format.suffix)")
    try format.write(network, to: file)
    return try #require(try format.proof(of: file, against: network, samples: network.samples(samples, from: nil), timeLimit: limit))
  }

  @Test("every network in every format that is read back", arguments: ExampleNetwork.allCases, [false, true])
  func networks(network: ExampleNetwork, halfRange: Bool) throws {
    for (format, target) in Self.cases {
      let proof = try Self.proof(of: .init(network.graph(halfRange: halfRange), target: target), in: format)
      let wrong = proof.comparisons.filter { $0.wrong > 0 }
      #expect(proof.isProven && proof.isComplete, "\(format) for \(target): \(wrong), outputs: \(proof.outputsThatDiffer)")
      #expect(
        proof.sampleCount == 3 && proof.count > 100 && proof.besideTies * 1000 < proof.count, "\(format): \(proof.besideTies) of \(proof.count)")
    }
  }

  @Test("every small architecture, also with operators in floating point", arguments: architectureNames.filter { $0.hasSuffix("_small") })
  func architectures(name: String) throws {
    let graph = try #require(architecture(named: name, classes: 10))
    var quantization = QuantizationConfiguration()
    (quantization.range, quantization.batchNormAdaptationSampleCount) = (.everywhere(.init(.mixedMinMax, sampleCount: 0)), 0)
    let controller = try createCompressedModel(graph, quantization, device: .any, calibration: nil, communicator: SingleProcess())
    let network = try ModelFormat.Network(controller.graph)
    let proof = try Self.proof(of: network, in: .onnx, samples: 2)
    let wrong = proof.comparisons.filter { $0.wrong > 0 }
    #expect(proof.isProven && proof.isComplete, "\(wrong.prefix(5)), outputs: \(proof.outputsThatDiffer)")
  }

  /// One thing at a time is made wrong in what is said to have been written, or in the tables of what was read.
  private enum Damage: String, CaseIterable {
    case weightCode, weightScale, bias, activationScale, range
  }

  @Test("a file of another network: one weight code, scale, bias or grid is wrong", arguments: Damage.allCases)
  private func damage(kind: Damage) throws {
    let intact = try lower(ExampleNetwork.convolutions.graph())
    let network = try ModelFormat.Network(ExampleNetwork.convolutions.graph())
    var damaged = intact
    let layer = try #require(intact.integerLayers.dropFirst().first)
    switch kind {
    case .weightCode: damaged.weights[layer.weight]?.codes[5] &+= 40
    case .weightScale: damaged.weights[layer.weight]?.scales[0] *= 1.01
    case .bias: damaged.biases[try #require(layer.bias)]?.codes[0] += 100_000
    case .activationScale: damaged.activations[layer.input]?.scale *= 1.002
    case .range: damaged.activations[layer.input]?.range = 0...100
    }
    let samples = try network.samples(3, from: nil)
    let whole = try ExportProof(of: intact, against: intact, target: .onnxRuntime, samples: samples, timeLimit: .seconds(60))
    #expect(whole.isProven)
    // Another network in the file: its outputs are not those of what was written.
    let other = try ExportProof(of: damaged, against: intact, target: .onnxRuntime, samples: samples, timeLimit: .seconds(60))
    #expect(other.outputsThatDiffer > 0 && !other.isProven)
    // The same fault on both sides, as an error of the lowering would be: the second computation finds it, at the layer where it is.
    let both = try ExportProof(of: damaged, against: damaged, target: .onnxRuntime, samples: samples, timeLimit: .seconds(60))
    #expect(both.outputsThatDiffer == 0)
    #expect(!both.isProven && both.comparisons.contains { $0.wrong > 0 }, "\(kind)")
  }

  @Test("what is no number in the network is none in the file, and is said")
  func undefined() throws {
    var net = QuantizedNetwork(channels: 4, size: 8, seed: 2)
    // 0 / 0 wherever the image is negative.
    let positive = net.quantizer(net.node("relu", Relu(), "image"), scale: 0.01, signed: false)
    let quotient = net.quantizer(net.node("quotient", Div(), positive, positive), scale: 0.01, signed: false)
    let scores = try net.convolution("conv", quotient, outputs: 3, bias: true)
    let graph = net.returning(scores)
    let network = try ModelFormat.Network(graph)
    let samples = [["image": net.images(1)]]
    let folder = try TemporaryFolder()
    try ModelFormat.onnx.write(network, to: folder.file("model.onnx"))
    let proof = try #require(try ModelFormat.onnx.proof(of: folder.file("model.onnx"), against: network, samples: samples))
    #expect(proof.isProven, "\(proof.faults)")
    let first = try #require(proof.undefined.first)
    #expect(first.tensor == "quotient_out" && first.undefined > 50 && first.undefined < first.count)
  }

  @Test("what the time limit leaves out is said, and is not proven to be anything")
  func timeLimit() throws {
    let proof = try Self.proof(of: .init(ExampleNetwork.residual.graph()), in: .onnx, limit: .zero)
    #expect(!proof.isComplete && proof.count == 0 && !proof.isProven && proof.faults.isEmpty)
  }

  @Test("what is written into a pipe or a device is not waited for")
  func devices() throws {
    let network = try ModelFormat.Network(ExampleNetwork.residual.graph())
    try ModelFormat.onnx.write(network, to: "/dev/null")
    #expect(try ModelFormat.onnx.proof(of: "/dev/null", against: network, samples: network.samples(1, from: nil)) == nil)
    let folder = try TemporaryFolder()
    let pipe = folder.file("pipe.onnx")
    try #require(mkfifo(pipe, 0o600) == 0)
    #expect(try ModelFormat.onnx.proof(of: pipe, against: network, samples: network.samples(1, from: nil)) == nil)
  }

  @Test("fp32 networks have no codes to be compared, and OpenVINO's files are not read back")
  func nothingToProve() throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: "vgg_small", classes: 10))
    for (network, format) in [(try ModelFormat.Network(graph), ModelFormat.onnx), (try .init(ExampleNetwork.residual.graph()), .openvino)] {
      let file = folder.file("model\(format.suffix)")
      try format.write(network, to: file)
      #expect(try format.proof(of: file, against: network, samples: []) == nil)
    }
  }

  private struct Listing: Decodable, Equatable {
    let shapes: [String: [Int]]
    let sums: [String: Double]
  }

  @Test("test vectors are files that numpy.load reads, the same bytes whenever they are made")
  func vectors() throws {
    let arrays = [("input", Tensor((0..<24).map { Float($0) / 3 }, shape: [2, 3, 4])), ("a/b:0", Tensor([1.5, -2.25], shape: [2]))]
    let folder = try TemporaryFolder()
    let bytes = try NumPyFile.archive(arrays)
    try bytes.write(to: URL(filePath: folder.file("v.npz")))
    let listing = try PythonRuntime.run("numpy_archive.py", [folder.file("v.npz")], as: Listing.self)
    #expect(listing.shapes == ["input": [2, 3, 4], "a/b:0": [2]])
    #expect(abs((listing.sums["input"] ?? 0) - 92) < 1e-4 && listing.sums["a/b:0"] == -0.75)
    let again = try NumPyFile.read(contentsOf: folder.file("v.npz"))
    #expect(again.map(\.name) == arrays.map(\.0) && again.map(\.tensor) == arrays.map(\.1))
    #expect(try NumPyFile.archive(arrays) == bytes)
  }
}
