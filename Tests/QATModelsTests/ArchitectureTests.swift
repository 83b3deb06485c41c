import QATGraph
import QATModels
import QATTensor
import Testing

@Suite struct ArchitectureTests {
  /// Counts of torchvision 0.2x (`sum(p.numel() for p in model.parameters())`) and of fvcore's multiply-add counter at 224×224.
  @Test(arguments: [("resnet18", 11_689_512, 1_814_073_344), ("mobilenet_v2", 3_504_872, 300_774_272)])
  func hasThePublishedSize(name: String, parameters: Int, multiplyAdds: Int) throws {
    let graph = try #require(architecture(named: name, classes: 1000)).validated()
    #expect(graph.parameterCount == parameters)
    #expect(try graph.multiplyAdds() == multiplyAdds)
  }

  @Test(arguments: ["resnet_small", "mobilenet_small"])
  func smallNetworksNeedUnderFiveMillionMultiplyAdds(name: String) throws {
    let graph = try #require(architecture(named: name, classes: 10)).validated()
    #expect(graph.inputs == [Graph.Input(name: "input", type: TensorType([.batch, 1, 28, 28]))])
    let cost = try graph.multiplyAdds()
    #expect(cost < 5_000_000)
    #expect(cost > 2_000_000)
    #expect(try graph.tensorTypes()["logits"] == TensorType([.batch, 10]))
    #expect(graph.outputs == ["logits"])
  }

  @Test func resNet18HasTorchvisionsParameterNames() throws {
    let graph = try #require(architecture(named: "resnet18", classes: 1000))
    // torchvision's resnet18().state_dict() without num_batches_tracked: 20 convolutions, 20 × 4 tensors of batch norm, 2 of the classifier.
    #expect(graph.constants.count == 102)
    let expected: [(String, [Int])] = [
      ("conv1.weight", [64, 3, 7, 7]), ("bn1.running_var", [64]), ("layer1.0.conv1.weight", [64, 64, 3, 3]), ("layer1.1.bn2.bias", [64]),
      ("layer2.0.downsample.0.weight", [128, 64, 1, 1]), ("layer2.0.downsample.1.running_mean", [128]), ("layer4.1.conv2.weight", [512, 512, 3, 3]),
      ("fc.weight", [1000, 512]), ("fc.bias", [1000]),
    ]
    for (name, shape) in expected { #expect(graph.constants[name]?.tensor.shape == shape, "\(name)") }
  }

  @Test func mobileNetV2HasTorchvisionsParameterNames() throws {
    let graph = try #require(architecture(named: "mobilenet_v2", classes: 1000))
    // 52 convolutions, 52 × 4 tensors of batch norm, 2 of the classifier.
    #expect(graph.constants.count == 262)
    let expected: [(String, [Int])] = [
      ("features.0.0.weight", [32, 3, 3, 3]), ("features.1.conv.0.0.weight", [32, 1, 3, 3]), ("features.1.conv.1.weight", [16, 32, 1, 1]),
      ("features.1.conv.2.bias", [16]), ("features.2.conv.1.0.weight", [96, 1, 3, 3]), ("features.17.conv.3.running_mean", [320]),
      ("features.18.0.weight", [1280, 320, 1, 1]), ("classifier.1.weight", [1000, 1280]),
    ]
    for (name, shape) in expected { #expect(graph.constants[name]?.tensor.shape == shape, "\(name)") }
  }

  @Test(arguments: architectureNames) func isNamedAndSizedAsAsked(name: String) throws {
    let graph = try #require(architecture(named: name, classes: 7))
    #expect(graph.name == name)
    #expect(try graph.tensorTypes()["logits"] == TensorType([.batch, 7]))
  }

  @Test func anUnknownNameIsNoArchitecture() {
    #expect(architecture(named: "resnet19", classes: 10) == nil)
  }

  @Test func equalSeedsGiveEqualWeightsAndOtherSeedsOthers() throws {
    let first = try #require(architecture(named: "resnet_small", classes: 10, seed: 3))
    let second = try #require(architecture(named: "resnet_small", classes: 10, seed: 3))
    let third = try #require(architecture(named: "resnet_small", classes: 10, seed: 4))
    #expect(first.constants == second.constants)
    #expect(first.tensor("conv1.weight") != third.tensor("conv1.weight"))
  }
}
