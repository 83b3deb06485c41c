import QATGraph
import QATModels
import QATQuantization
import Testing

@Suite("Well-known networks get the quantizers that NNCF gives them")
struct KnownNetworksTests {
  // Weights: stem, 16 convolutions in 8 blocks, 3 downsampling convolutions, classifier = 21.
  // Activations: input 1; stem's ReLU 1 (max-pool is transparent, its readers conv1 and the residual add share it); in each of 8 blocks the inner
  // ReLU 1, the convolution branch in front of the add 1, the ReLU after the add 1 = 24; downsampling branch in front of the add 3;
  // in front of the classifier 1 (behind the global average pool, flatten is transparent). 1 + 1 + 24 + 3 + 1 = 30.
  @Test("ResNet-18 has 21 weight and 30 activation quantizers")
  func resNet18() throws {
    let graph = try #require(architecture(named: "resnet18", classes: 1000))
    let setup = try place(graph)
    #expect(setup.weightPoints.count == 21)
    #expect(setup.activationPoints.count == 30)
    #expect(setup.activationIDs.prefix(2) == ["input|OUTPUT", "relu|OUTPUT"])
    #expect(setup.weightPoints.allSatisfy { $0.specification.perChannel && $0.specification.forcedSign == true && $0.specification.halfRange })
    #expect(setup.activationPoints.allSatisfy { !$0.specification.perChannel && $0.specification.forcedSign == nil && !$0.specification.halfRange })
    #expect(setup.unifiedScaleGroups.isEmpty)
    for node in graph.nodes where node.op is Add {
      let feeding = setup.activationPoints.filter { $0.quantizedOperators.contains(node.name) }
      #expect(feeding.count == 2, "\(node.name)")
    }
  }

  // Weights: stem 1, first block 2, 16 blocks × 3, last convolution 1, classifier 1 = 53.
  // Activations: input 1, stem's ReLU6 1, expansions' ReLU6 16, depthwise ReLU6 17, outputs of the 17 blocks' projections 17, outputs of the
  // 10 residual adds 10, last ReLU6 1, behind the global average pool 1 = 64. What feeds a depthwise convolution alone is per-channel: 17.
  @Test("MobileNetV2 has 53 weight and 64 activation quantizers, per-channel in front of depthwise convolutions")
  func mobileNetV2() throws {
    let setup = try place(try #require(architecture(named: "mobilenet_v2", classes: 1000)))
    #expect(setup.weightPoints.count == 53)
    #expect(setup.activationPoints.count == 64)
    #expect(setup.activationPoints.count { $0.specification.perChannel } == 17)
  }

  @Test("a quantized network is a network, for every architecture", arguments: ["resnet_small", "mobilenet_small", "resnet18", "mobilenet_v2"])
  func inserting(_ name: String) throws {
    let graph = try #require(architecture(named: name, classes: 10))
    let setup = try place(graph)
    let quantized = try graph.inserting(setup).validated()
    #expect(quantized.nodes.count { $0.op is FakeQuantize } == setup.points.count)
    #expect(quantized.outputs == graph.outputs)
    #expect(quantized.inputs == graph.inputs)
    #expect(Set(graph.constants.keys).isSubset(of: quantized.constants.keys))
  }
}
