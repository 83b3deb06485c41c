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

  // Weights: stem, 16 blocks × 3, 4 downsampling convolutions, classifier = 54.
  // Activations: input 1, stem's ReLU 1; in each of 16 blocks two inner ReLUs, the branch in front of the add and the ReLU behind it = 64; the
  // downsampling branches 4; behind the global average pool 1 = 71.
  @Test("ResNet-50 has 54 weight and 71 activation quantizers")
  func resNet50() throws {
    let setup = try place(ExampleNetworks.resNet50())
    #expect(setup.weightPoints.count == 54)
    #expect(setup.activationPoints.count == 71)
    #expect(setup.unifiedScaleGroups.isEmpty)
  }

  // Weights: conv1, 8 fire modules × 3, conv10 = 26.
  // Activations: input 1, conv1's ReLU 1; in each fire module the squeeze's ReLU and both expands' ReLUs, which share a scale because the next
  // layer reads their concatenation, through max-pools and dropout = 24; conv10's ReLU in front of the pool 1 = 27.
  @Test("SqueezeNet has 26 weight and 27 activation quantizers, in 8 groups of two")
  func squeezeNet() throws {
    let setup = try place(ExampleNetworks.squeezeNet())
    #expect(setup.weightPoints.count == 26)
    #expect(setup.activationPoints.count == 27)
    #expect(setup.unifiedScaleGroups == (2...9).map { ["fire\($0).expand1.relu|OUTPUT", "fire\($0).expand3.relu|OUTPUT"] })
  }

  // Weights: stem, 2 modules × 6, classifier = 14.
  // Activations: input 1, stem's ReLU 1, which all four branches share; in each module two reduced ReLUs, the average pool's output, and four
  // ReLUs in front of the concatenation = 14; behind the global average pool 1 = 17. Module a's concatenation feeds weights, b's a pooling.
  @Test("Inception modules share a scale over the branches that a convolution reads joined")
  func inception() throws {
    let setup = try place(ExampleNetworks.inception())
    #expect(setup.weightPoints.count == 14)
    #expect(setup.activationPoints.count == 17)
    #expect(setup.unifiedScaleGroups == [["a.1.relu|OUTPUT", "a.2.relu|OUTPUT", "a.3.relu|OUTPUT", "a.4.relu|OUTPUT"]])
  }

  // Weights: stem, 2 layers × 2, transition, classifier = 7.
  // Activations: input 1, stem's ReLU 1 (behind the max-pool its readers are layer 1's norm and both concatenations); in each layer the two ReLUs
  // and the new features, which the concatenations share = 6; in the transition its ReLU, the convolution in front of the pool and the pool in
  // front of the last norm = 3; the last ReLU 1; behind the global average pool 1 = 13. Norms read the concatenations: no shared scales.
  @Test("DenseNet has 7 weight and 13 activation quantizers, one for each new set of features")
  func denseNet() throws {
    let setup = try place(ExampleNetworks.denseNet())
    #expect(setup.weightPoints.count == 7)
    #expect(setup.activationPoints.count == 13)
    #expect(setup.unifiedScaleGroups.isEmpty)
    #expect(setup["stem.relu|OUTPUT"]?.quantizedOperators.sorted() == ["layer1.1.norm", "layer2.1.norm", "transition.norm"])
  }

  // Weights: stem, 2 units × 3, the layer between, classifier = 9.
  // Activations: input 1; stem's ReLU 1 (pool and branch); in each unit the first ReLU, in front of the shuffle, per channel for the depthwise
  // convolution behind it, and the depthwise norm = 4; the ReLU behind the concatenation 1; the ReLU of the layer between, for branch and add 1;
  // unit b's branch in front of the add 1; the ReLU behind it 1; behind the global average pool 1 = 11.
  @Test("ShuffleNet's quantizers pass the shuffle of channels")
  func shuffleNet() throws {
    let setup = try place(ExampleNetworks.shuffleNet())
    #expect(setup.weightPoints.count == 9)
    #expect(setup.activationPoints.count == 11)
    #expect(setup.activationPoints.filter(\.specification.perChannel).map(\.id) == ["a.1.relu|OUTPUT", "b.1.relu|OUTPUT"])
  }

  // Weights: stem, expansion, depthwise, 2 of the gate, projection, classifier = 7.
  // Activations: input 1; stem 1 (expansion and add); expansion, per channel 1; depthwise 1 (pool and product); the gate's pool 1, ReLU 1 and
  // sigmoid 1; the product 1; the projection 1; the add 1; behind the global average pool 1 = 11.
  @Test("MobileNetV3's gate is quantized on both sides of the product")
  func mobileNetV3() throws {
    let setup = try place(ExampleNetworks.mobileNetV3())
    #expect(setup.weightPoints.count == 7)
    #expect(setup.activationPoints.count == 11)
    #expect(setup["depthwise.act|OUTPUT"]?.quantizedOperators == ["se.pool", "se.mul"])
    #expect(setup["se.sigmoid|OUTPUT"]?.quantizedOperators == ["se.mul"])
    #expect(setup["expand.act|OUTPUT"]?.specification.perChannel == true)
  }

  // Weights: two tables; in each of 2 layers query, key, value, output and two of the feed-forward = 12; pooler and classifier = 16.
  // Activations: none behind the embeddings, whose tables have one range each and do that work; none in front of the positions, a constant. In each
  // layer its input, which four operators read, query, key, value, softmax, context and attention output = 7; the norm that feed-forward and sum
  // share, GELU and feed-forward output = 3. The last norm, through the choice of the first token, 1; the pooler's tanh 1 = 22.
  @Test("BERT has 16 weight and 22 activation quantizers; tables take the place of two more")
  func bert() throws {
    let setup = try place(ExampleNetworks.bert())
    #expect(setup.weightPoints.count == 16)
    #expect(setup.activationPoints.count == 22)
    #expect(setup.weightPoints.filter { !$0.specification.perChannel }.map(\.id) == ["words|WEIGHT", "types|WEIGHT"])
    #expect(setup["words|WEIGHT"]?.quantizedOperators == ["words", "embeddings"])
    #expect(setup["embeddings.norm|OUTPUT"]?.quantizedOperators.count == 4)
    #expect(setup["layer1.norm2|OUTPUT"]?.quantizedOperators == ["pooler.matmul"])
    #expect(setup.unifiedScaleGroups.isEmpty)
  }

  // Weights: patches, 2 layers × 6, head = 14.
  // Activations: the image 1; none behind the patches, which are joined with a constant, and none in front of the positions. In each layer the first
  // norm, query, key, value, softmax and context = 6; both sides of the first sum, one of them on that edge alone because the norm beside it computes
  // in floating point = 2; the second norm and GELU = 2; both sides of the second sum = 2. The last norm 1 = 26.
  @Test("a vision transformer has 14 weight and 26 activation quantizers; sums have their own beside norms")
  func vit() throws {
    let setup = try place(ExampleNetworks.vit())
    #expect(setup.weightPoints.count == 14)
    #expect(setup.activationPoints.count == 26)
    for name in ["layer0.add1", "layer0.add2", "layer1.add1", "layer1.add2"] {
      #expect(setup["\(name)|INPUT1"]?.quantizedOperators == [name])
    }
    #expect(setup["norm|OUTPUT"]?.quantizedOperators == ["head.matmul"])
  }

  // Weights: 5 pairs of convolutions, 2 transposed ones, head = 13.
  // Activations: the image 1; each pair's two ReLUs = 10; behind both transposed convolutions = 2. What a concatenation joins shares a scale.
  @Test("U-Net has 13 weight and 13 activation quantizers; each skip shares the scale of what it is joined with")
  func uNet() throws {
    let setup = try place(ExampleNetworks.uNet())
    #expect(setup.weightPoints.count == 13)
    #expect(setup.activationPoints.count == 13)
    #expect(setup.unifiedScaleGroups == [["down1.2.relu|OUTPUT", "up1|OUTPUT"], ["down2.2.relu|OUTPUT", "up2|OUTPUT"]])
    #expect(setup["up2|WEIGHT"]?.specification.channelAxis == 1)
  }

  @Test("every example becomes a network with its quantizers, on every device", arguments: ExampleNetworks.all.indices)
  func insertingIntoExamples(_ index: Int) throws {
    let graph = ExampleNetworks.all[index]
    for device in TargetDevice.allCases {
      let setup = try place(graph, on: device)
      let quantized = try graph.inserting(setup).validated()
      #expect(quantized.nodes.count { $0.op is FakeQuantize } == setup.points.count, "\(graph.name) on \(device)")
    }
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
