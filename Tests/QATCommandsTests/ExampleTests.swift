import Foundation
import QAT
import Testing
import VirtualNodes

extension ToolTests {
  /// Every folder of Examples, run as a user runs it, on a few images of Fashion-MNIST.
  @Suite struct ExampleTests {
    private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let data = package.appendingPathComponent("Tests/Fixtures/fashion-mnist").path
    private static let network = package.appendingPathComponent("Examples/onnx-fine-tuning/net.onnx").path
    private static let names = ["onnx-fine-tuning", "keras-frozen-graph", "training-loop", "distillation", "two-nodes", "resume"]

    private static func text(_ path: String) throws -> String { try String(contentsOf: package.appendingPathComponent(path), encoding: .utf8) }

    /// Runs an example's script in `folder`, with the built programs on the path.
    private func run(_ name: String, _ arguments: [String] = [], in folder: Scratch, through: [String] = []) throws -> ToolRun {
      let environment = ProcessInfo.processInfo.environment
      let python = environment["QAT_TEST_PYTHON"] ?? Self.package.appendingPathComponent(".test-env/bin/python").path
      let programs = try ToolRun.tool().deletingLastPathComponent().path
      let variables = ["DATA=\(Self.data)", "PYTHON=\(python)", "PATH=\(programs):\(environment["PATH"] ?? "/usr/bin:/bin")"]
      let script = Self.package.appendingPathComponent("Examples/\(name)/run").path
      let run = try ToolRun(words: variables + through + [script] + arguments, in: folder)
      try #require(run.exitCode == 0, "\(run.output)\n\(run.errors)")
      return run
    }

    private func top1(_ model: String, in folder: Scratch) throws -> Double {
      let run = try ToolRun("evaluate --model \(model) --data \(Self.data) --json", in: folder)
      return try #require(try run.json()["top1"]?.number?.double, "\(run.errors)")
    }

    @Test func aNetworkFromPyTorchIsFineTunedAndComputedByONNXRuntime() throws {
      let folder = try Scratch()
      let run = try run("onnx-fine-tuning", in: folder)
      #expect(!run.output.contains("not asked"))
      #expect(try top1("runs/onnx-fine-tuning/int8.onnx", in: folder) > 0.85)
      #expect(try folder.bytes("runs/onnx-fine-tuning/int8.onnx").count * 3 < Data(contentsOf: URL(fileURLWithPath: Self.network)).count)
    }

    @Test func aKerasModelGoesToTensorFlowAndOpenVINO() throws {
      let folder = try Scratch()
      let run = try run("keras-frozen-graph", in: folder)
      let found = run.output.matches(of: /(\S+): top-1 ([0-9.]+) in (TensorFlow|OpenVINO)/).map { (String($0.output.1), Double($0.output.2) ?? -1) }
      #expect(found.map(\.0) == ["net.pb", "int8.pb", "int8.xml"])
      let files = try #require(try CheckpointDirectory(folder.url("runs/keras-frozen-graph/run").path).results()).files
      let sizes = try ["int8.pb", "int8.xml", "int8.bin"].map { try folder.bytes("runs/keras-frozen-graph/\($0)").count }
      #expect(files.map(\.bytes) == [sizes[0], sizes[1] + sizes[2]])
      let expected = try top1("runs/keras-frozen-graph/int8.pb", in: folder)
      // TensorFlow rounds ties in another way: a sample or two of 128 may change.
      for (file, accuracy) in found.dropFirst() { #expect(abs(accuracy - expected) < 0.02, "\(file)") }
    }

    @Test(arguments: [nil, 2]) func aLoopWrittenByHandTrainsOnAnyNumberOfRanks(ranks: Int?) throws {
      let folder = try Scratch()
      let program = try ToolRun.tool().deletingLastPathComponent().appendingPathComponent("training-loop").path
      let launcher = ranks.map { ["mpirun"] + ToolRun.launcherOptions + ["-n", "\($0)"] } ?? []
      let run = try ToolRun(words: launcher + [program, Self.network, Self.data], in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(run.output.split(separator: "\n").map { $0.prefix { $0 != ":" } } == ["top-1", "epoch 0", "epoch 1"])
      // An exported file of a loop by hand does not say how pixels are normalised.
      try folder.write("data.json", "{ \"data\": { \"normalize\": { \"mean\": [0.286], \"std\": [0.353] } } }")
      #expect(try top1("int8.onnx --config data.json", in: folder) > 0.85)
      #expect(try Checkpoint.restore(from: folder.url("checkpoint").path).objects.object("epoch") == 1)
      let refused = try ToolRun(words: [program, "nowhere.onnx", Self.data], in: folder)
      #expect(refused.exitCode == 1 && refused.errors.contains("nowhere.onnx"), "\(refused.errors)")
    }

    /// Building the example's package would compile everything once more; that its source compiles is known, as it is a target of ours.
    @Test func theLoopsPackageNamesTheLibrary() throws {
      let folder = try Scratch()
      let example = Self.package.appendingPathComponent("Examples/training-loop").path
      let dump = try ToolRun(
        words: ["swift", "package", "--package-path", example, "--scratch-path", folder.url("build").path, "dump-package"], in: folder)
      try #require(dump.exitCode == 0, "\(dump.errors)")
      let package = try JSONValue(dump.json())
      guard case .array(let targets)? = package["targets"], case .array(let products)? = targets.first?["dependencies"] else {
        throw ToolRun.Failure(description: dump.output)
      }
      #expect(targets.count == 1 && targets[0]["name"] == "training-loop")
      #expect(dump.output.contains("\"\(Self.package.path)\""), "the dependency is this repository")
      guard case .array(let product)? = products.first?["product"] else { throw ToolRun.Failure(description: dump.output) }
      #expect(product.prefix(2) == ["QAT", "swift-qat"])
    }

    @Test func aNetworkLearnsWithoutLabels() throws {
      let folder = try Scratch()
      _ = try run("distillation", in: folder)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url("runs/distillation/data/train").path) == ["images.npy"])
      let networks = try #require(try CheckpointDirectory(folder.url("runs/distillation/run").path).results()).networks
      let agreements = networks.compactMap { $0.metrics["agreement"] }
      #expect(agreements.count == 4 && agreements.allSatisfy { $0 > 0.85 } && agreements[0] == 1, "\(networks)")
    }

    @Test func twoNodesGiveTheBytesOfOneProcess() throws {
      let folder = try Scratch()
      try VirtualCluster.with(nodes: 2) { cluster in
        let run = try run("two-nodes", [cluster.hostfile(ranksPerNode: 1)], in: folder, through: cluster.command(on: "q0"))
        #expect(run.output.contains("nodes.onnx and alone.onnx are the same bytes") && run.output.contains("q0 - q1"), "\(run.output)")
      }
    }

    @Test func anInterruptedRunEndsWithTheBytesOfOneThatWasNot() throws {
      let folder = try Scratch()
      let run = try run("resume", ["25"], in: folder)
      #expect(run.output.contains("the run ended with exit code 75") && run.output.contains("stopped.onnx and whole.onnx are the same bytes"))
      #expect(run.errors.contains("going on after step"), "\(run.errors)")
    }

    @Test("the README shows commands of the script, and is linked", arguments: names)
    func readme(name: String) throws {
      let page = try Self.text("Examples/\(name)/README.md")
      let blocks = page.components(separatedBy: "```sh\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
      #expect(!blocks.isEmpty && page.contains("```\n"), "commands, and what they show")
      if name != "training-loop" {
        let script = try Self.text("Examples/\(name)/run")
        for line in blocks.joined(separator: "\n").split(separator: "\n") where line.hasPrefix("qat") { #expect(script.contains(line), "\(line)") }
      }
      for readme in ["README.md", "README.ja.md"] { #expect(try Self.text(readme).contains("Examples/\(name)"), "\(readme)") }
    }
  }
}
