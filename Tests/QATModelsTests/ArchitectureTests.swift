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

  /// Parameters of torchvision 0.2x, of Hugging Face's BertForSequenceClassification (bert-base-uncased, two labels) and of the U-Net of milesial/Pytorch-UNet (two classes, transposed
  /// convolutions). Weights are not drawn: some of these networks have more than a hundred million.
  @Test(arguments: [
    ("resnet34", 1000, 21_797_672), ("resnet50", 1000, 25_557_032), ("mobilenet_v3_small", 1000, 2_542_856), ("mobilenet_v3_large", 1000, 5_483_032),
    ("efficientnet_b0", 1000, 5_288_548), ("vgg11", 1000, 132_863_336), ("vgg16", 1000, 138_357_544), ("vit_b_16", 1000, 86_567_656),
    ("bert_base", 2, 109_483_778), ("unet", 2, 31_037_698),
  ])
  func hasThePublishedParameters(name: String, classes: Int, parameters: Int) throws {
    let graph = try #require(architecture(named: name, classes: classes, weights: .constant(0))).validated()
    #expect(graph.parameterCount == parameters)
    #expect(defaultClassCount(ofArchitecture: name) == classes)
  }

  /// Names and shapes from the state dictionaries of the published implementations.
  @Test(
    arguments: [
      ("resnet34", [("layer3.5.conv2.weight", [256, 256, 3, 3]), ("layer4.0.downsample.1.running_var", [512]), ("fc.weight", [1000, 512])]),
      (
        "resnet50",
        [
          ("layer1.0.conv1.weight", [64, 64, 1, 1]), ("layer1.0.downsample.0.weight", [256, 64, 1, 1]), ("layer2.0.conv2.weight", [128, 128, 3, 3]),
          ("layer4.2.conv3.weight", [2048, 512, 1, 1]), ("layer4.2.bn3.bias", [2048]), ("fc.weight", [1000, 2048]),
        ]
      ),
      (
        "mobilenet_v3_large",
        [
          ("features.0.0.weight", [16, 3, 3, 3]), ("features.1.block.0.0.weight", [16, 1, 3, 3]), ("features.4.block.2.fc1.weight", [24, 72, 1, 1]),
          ("features.13.block.2.fc2.bias", [672]), ("features.16.0.weight", [960, 160, 1, 1]), ("classifier.0.weight", [1280, 960]),
          ("classifier.3.bias", [1000]),
        ]
      ),
      (
        "efficientnet_b0",
        [
          ("features.1.0.block.1.fc1.weight", [8, 32, 1, 1]), ("features.6.3.block.1.0.weight", [1152, 1, 5, 5]),
          ("features.7.0.block.3.1.running_mean", [320]), ("features.8.0.weight", [1280, 320, 1, 1]), ("classifier.1.weight", [1000, 1280]),
        ]
      ),
      (
        "vgg16",
        [("features.0.weight", [64, 3, 3, 3]), ("features.28.bias", [512]), ("classifier.0.weight", [4096, 25088]), ("classifier.6.bias", [1000])]
      ),
      ("vgg11", [("features.18.weight", [512, 512, 3, 3]), ("classifier.3.weight", [4096, 4096])]),
      (
        "vit_b_16",
        [
          ("class_token", [1, 1, 768]), ("conv_proj.weight", [768, 3, 16, 16]), ("encoder.pos_embedding", [1, 197, 768]),
          ("encoder.layers.encoder_layer_11.self_attention.in_proj_weight", [2304, 768]),
          ("encoder.layers.encoder_layer_0.self_attention.out_proj.bias", [768]), ("encoder.layers.encoder_layer_3.mlp.3.weight", [768, 3072]),
          ("encoder.ln.weight", [768]), ("heads.head.weight", [1000, 768]),
        ]
      ),
      (
        "bert_base",
        [
          ("bert.embeddings.word_embeddings.weight", [30522, 768]), ("bert.embeddings.token_type_embeddings.weight", [2, 768]),
          ("bert.encoder.layer.11.attention.self.query.weight", [768, 768]), ("bert.encoder.layer.0.attention.output.LayerNorm.bias", [768]),
          ("bert.encoder.layer.5.intermediate.dense.weight", [3072, 768]), ("bert.pooler.dense.bias", [768]), ("classifier.weight", [2, 768]),
        ]
      ),
      (
        "unet",
        [
          ("inc.double_conv.0.weight", [64, 3, 3, 3]), ("down4.maxpool_conv.1.double_conv.3.weight", [1024, 1024, 3, 3]),
          ("up1.up.weight", [1024, 512, 2, 2]),
          ("up4.conv.double_conv.1.running_var", [64]), ("outc.conv.bias", [2]),
        ]
      ),
    ] as [(String, [(String, [Int])])])
  func hasThePublishedNames(name: String, tensors: [(String, [Int])]) throws {
    let graph = try #require(architecture(named: name, classes: defaultClassCount(ofArchitecture: name), weights: .constant(0)))
    for (tensor, shape) in tensors { #expect(graph.constants[tensor]?.tensor.shape == shape, "\(tensor)") }
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
    let graph = try #require(architecture(named: name, classes: 7, weights: .constant(0)))
    #expect(graph.name == name)
    let scores = try #require(try graph.tensorTypes()["logits"])
    let image = graph.inputs[0].type.dimensions.dropFirst(2)
    #expect(scores == TensorType([.batch, 7] + (name.hasPrefix("unet") ? image : [])))
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
