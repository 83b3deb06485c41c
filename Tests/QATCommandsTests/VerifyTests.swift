import Foundation
import QAT
import Testing

extension ToolTests {
  /// A network beside what another program has computed.
  @Suite struct VerifyTests {
    /// A file as numpy.save writes it, version 1, from the format's description.
    private static func write(_ values: [Float], shape: [Int], to path: URL) throws {
      let dimensions = shape.map { "\($0)," }.joined(separator: " ")
      var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(dimensions)), }"
      header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
      var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)] + Array(header.utf8)
      values.withUnsafeBytes { bytes.append(contentsOf: $0) }
      try Data(bytes).write(to: path)
    }

    private static let images = (0..<3 * 784).map { Float(($0 * 37) % 256) / 255 }

    @Test func aNetworkIsAsFarFromTheReferenceAsItIs() throws {
      let folder = try Scratch()
      let graph = try #require(architecture(named: "resnet_small", classes: 10))
      try ONNXFile.write(graph, to: folder.url("net.onnx").path)
      var executor = try ReferenceExecutor<Float>(graph, batchSize: 3)
      let scores = try #require(try executor.forward(["input": NDArray(Self.images, shape: [3, 1, 28, 28])], mode: .evaluation)["logits"]).elements
      try Self.write(Self.images, shape: [3, 1, 28, 28], to: folder.url("input.npy"))
      try Self.write(scores, shape: [3, 10], to: folder.url("logits.npy"))
      let run = try ToolRun("verify --model net.onnx --reference input.npy --reference logits.npy --tolerance 1e-5 --json", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      let output = try #require(try run.json()["outputs"]?.array?.first)
      #expect(output["name"]?.string == "logits" && output["count"]?.number?.integer == 30 && output["same_highest"]?.number?.double == 1)

      // One element further away than is allowed.
      var moved = scores
      moved[7] += 0.5 * (scores.map(abs).max() ?? 1)
      try Self.write(moved, shape: [3, 10], to: folder.url("logits.npy"))
      let apart = try ToolRun("verify --model net.onnx --reference input.npy --reference logits.npy --tolerance 0.1", in: folder)
      #expect(
        apart.exitCode == 8 && apart.errors.contains("qat: error: the output 'logits' is ") && apart.errors.contains("--tolerance 0.1"),
        "\(apart.errors)")
      #expect(try ToolRun("verify --model net.onnx --reference input.npy --reference logits.npy", in: folder).exitCode == 0)
    }

    @Test func aQuantizedNetworkIsComputedAsItsRuntimeComputesIt() throws {
      let folder = try Scratch()
      let made = try ToolRun("quantize --model resnet_small --config int8.json --data \(Scratch.data) --export int8.onnx", in: folder)
      try #require(made.exitCode == 0, "\(made.errors)")
      let lowered = try lower(ONNXFile.read(contentsOf: folder.url("int8.onnx").path))
      let network = try DeployedNetwork(lowered, target: .onnxRuntime, batchSize: 3)
      let name = network.outputs[0]
      let scores = try #require(try network.run([network.inputs[0].name: NDArray(Self.images, shape: [3, 1, 28, 28])])[name]).values.elements
      try Self.write(Self.images, shape: [3, 1, 28, 28], to: folder.url("input.npy"))
      try Self.write(scores, shape: [3, 10], to: folder.url("output.npy"))
      let run = try ToolRun("verify --model int8.onnx --reference input.npy --reference output.npy --tolerance 0 --json", in: folder, ranks: 2)
      #expect(run.exitCode == 0 && run.errors.contains("ONNX Runtime"), "\(run.errors)")
      #expect(try run.json()["outputs"]?.array?.first?["differing"]?.number?.integer == 0)
    }

    @Test func anExportIsProvenAndItsTestVectorsRepeatTheCheck() throws {
      let folder = try Scratch()
      let made = try ToolRun(
        "quantize --model resnet_small --config int8.json --data \(Scratch.data) --export int8.onnx --export int8.pb --test-vectors 5", in: folder,
        ranks: 2)
      try #require(made.exitCode == 0, "\(made.errors)")
      for file in ["int8.onnx", "int8.pb"] {
        #expect(made.errors.contains("\(file): read back and computed again without the code that trains: "), "\(made.errors)")
      }
      #expect(!made.errors.contains("NOT") && made.errors.contains("INT8"))
      #expect(made.errors.contains("layer") && made.errors.contains("ONNX Runtime  OpenVINO"), "\(made.errors)")
      let command = "verify --model int8.onnx --vectors int8.onnx.vectors.npz --tolerance 0 --json"
      let run = try ToolRun(command, in: folder)
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(try run.json()["outputs"]?.array?.first?["count"]?.number?.integer == 50)
      let frozen = try ToolRun("verify --model int8.pb --vectors int8.pb.vectors.npz --tolerance 0", in: folder)
      #expect(frozen.exitCode == 0 && frozen.errors.contains("in the arithmetic of TensorFlow"), "\(frozen.errors)")
      // A byte of a weight's codes is another: the vectors tell.
      var bytes = try Data(contentsOf: folder.url("int8.onnx"))
      bytes[bytes.count / 2] ^= 0x40
      try bytes.write(to: folder.url("int8.onnx"))
      #expect(try ToolRun(command, in: folder).exitCode == 8)
      let wrapped = try ToolRun(wrapped: "--max-restarts 1 --restart-pause 0 -n 1", command, in: folder)
      #expect(wrapped.exitCode == 8 && !wrapped.errors.contains("restart"), "what is apart would be so again: \(wrapped.errors)")
    }

    @Test(arguments: [
      ("int8.pb", "onnxruntime", "onnx, onnx-int4"), ("int8.onnx", "tensorflow", "tensorflow"), ("int8.xml", "onnxruntime", "onnx, onnx-int4"),
    ])
    func aFileIsOnlyForRuntimesThatReadIt(file: String, target: String, others: String) throws {
      let folder = try Scratch()
      let run = try ToolRun(
        "quantize --model resnet_small --config int8.json --data \(Scratch.data) --export \(file) --target \(target)", in: folder)
      #expect(run.exitCode == 64 && run.errors.contains("has no target \(target)"), "\(run.errors)")
      #expect(run.errors.contains("Formats for \(target): \(others)"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.url(file).path))
    }

    @Test(arguments: [
      ("input.npy", [3, 1, 28, 28], "none of the network's outputs"), ("other.npy", [3, 1, 28, 28], "input 'input' is missing"),
      ("input.npy", [3, 1, 784, 1], "the reference's [3, 1, 784, 1]"),
    ])
    func aReferenceThatDoesNotFitIsRefused(name: String, shape: [Int], words: String) throws {
      let folder = try Scratch()
      try Self.write(Self.images, shape: shape, to: folder.url(name))
      let run = try ToolRun("verify --model resnet_small --reference \(name)", in: folder)
      #expect(run.exitCode == 65 && run.errors.contains(words), "\(run.errors)")
    }
  }
}
