import Foundation
import QATEngine
import QATGraph
import QATONNX
import QATSafetensors
import QATTensor
import QATTraining
import Testing

@testable import QATModels

/// Our architectures with the weights of torchvision's networks, taken over by name from files that PyTorch has written, compute what ONNX Runtime computes from those files.
@Suite("Architectures with torchvision's weights")
struct TorchvisionWeightsTests {
  private struct Case: Decodable {
    var name: String
    var batch: Int
  }

  /// The networks of Tests/Fixtures/exports that are ours, at the sizes that networks.py gives them.
  private static func network(_ name: String) -> Graph? {
    let options = ArchitectureOptions(classes: 5, seed: 0, weights: .constant(0))
    switch name {
    case "resnet18": return resized(ResNet.resnet18(options), to: 64)
    case "mobilenet_v3": return resized(MobileNetV3.small(options), to: 64)
    case "efficientnet":
      let stages = [EfficientNet.Stage(1, 3, 1, 16, 1), EfficientNet.Stage(6, 3, 2, 24, 2), EfficientNet.Stage(6, 5, 2, 40, 1)]
      return EfficientNet.network(name, image: 64, stages, options)
    case "vit":
      return VisionTransformer.network(name, input: [3, 48, 48], .init(patch: 16, features: 32, layers: 2, heads: 4, hidden: 64), options)
    default: return nil
    }
  }

  private static func resized(_ graph: Graph, to size: Int) -> Graph {
    var graph = graph
    graph.inputs[0].type.dimensions.replaceSubrange(2..., with: [.fixed(size), .fixed(size)])
    return graph
  }

  @Test func computeWhatTheRuntimeComputes() throws {
    let folder = try TemporaryFolder()
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/exports").standardizedFileURL.path
    // Exported with every layer and every name as it is.
    let files = ["resnet18", "mobilenet_v3", "efficientnet", "vit"].map { "\($0)-dyn20raw" }
    _ = try PythonRuntime.run("exports.py", ["fill", fixtures, folder.path] + files, as: [String].self)
    let cases = try PythonRuntime.run("exports.py", ["run", folder.path], as: [Case].self)
    #expect(cases.map(\.name).sorted() == files.sorted())
    for test in cases {
      let graph = try #require(Self.network(test.name.replacing("-dyn20raw", with: ""))).validated()
      let file = try ONNXFile.read(contentsOf: folder.file("\(test.name).onnx"))
      let state = try ModelState(graph)
      let names = try PythonRuntime.run(
        "initializers.py", [folder.file("\(test.name).onnx"), folder.file("weights.safetensors")], as: [String].self)
      let weights = try Safetensors.read(contentsOf: folder.file("weights.safetensors")).tensors.map {
        ($0.key.replacing("network.", with: ""), $0.value)
      }
      #expect(names.count == weights.count)
      #expect(throws: Never.self, "\(test.name)") { try state.load(Dictionary(uniqueKeysWithValues: weights), isStrict: true) }

      let (data, _) = try Safetensors.read(contentsOf: folder.file("\(test.name).safetensors"))
      let plan = try Plan(graph, state: state, batchSize: test.batch, mode: .evaluation)
      _ = plan.input("input").update(fromContentsOf: NDArray<Float>(try #require(data["in/\(file.inputs[0].name)"])).elements)
      plan.forward()
      let expected = try #require(data["eval/\(file.outputs[0])"]?.floats)
      let scale = expected.map { abs($0) }.max() ?? 0
      let distance = zip(plan.output("logits"), expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(plan.output("logits").count == expected.count && scale > 0 && distance <= 1e-4 * scale, "\(test.name): \(distance) of \(scale)")
    }
  }
}
