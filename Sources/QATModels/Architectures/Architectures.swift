import QATGraph

/// The names that `architecture(named:classes:seed:weights:)` knows.
public let architectureNames = architectures.map(\.name)

/// A well-known network with seeded initial weights, or one of its small relatives.
///
/// Those of torchvision have its structure, parameter names and initial distributions, and take [N, 3, 224, 224]; ResNets, MobileNets and EfficientNet take other sizes as well, when the graph's
/// input says so. Networks named `…_small` without a published one of this name take [N, 1, 28, 28]. `bert_base` and `bert_small` take token numbers [N, T]. The input is named `input`, the output
/// `logits`: [N, classes], or [N, classes, H, W] of `unet` and `unet_small`.
/// - Parameters:
///   - name: the architecture.
///   - classes: number of classes, at least 1.
///   - seed: seed of the initial weights; equal seeds give equal weights on every machine.
///   - weights: how all parameters start, instead of as their layers say: `.constant(0)` where they are loaded afterwards.
/// - Returns: the network, or nil when the name is none of `architectureNames`.
public func architecture(named name: String, classes: Int, seed: UInt64 = 0, weights: Initializer? = nil) -> Graph? {
  architectures.first { $0.name == name }?.make(ArchitectureOptions(classes: classes, seed: seed, weights: weights))
}

/// The number of classes an architecture was published with: 1000 for ImageNet's, 10 for 28×28 images.
public func defaultClassCount(ofArchitecture name: String) -> Int { architectures.first { $0.name == name }?.classes ?? 1000 }

/// What an architecture is made with.
struct ArchitectureOptions: Sendable {
  var classes: Int
  var seed: UInt64
  var weights: Initializer?

  func builder(_ name: String, input: [Int]) -> NetworkBuilder { NetworkBuilder(name: name, input: input, seed: seed, weights: weights) }

  func builder(_ name: String, type: TensorType) -> NetworkBuilder { NetworkBuilder(name: name, type: type, seed: seed, weights: weights) }
}

private struct Architecture: Sendable {
  let name: String
  let classes: Int
  let make: @Sendable (ArchitectureOptions) -> Graph

  init(_ name: String, classes: Int, _ make: @escaping @Sendable (ArchitectureOptions) -> Graph) {
    (self.name, self.classes, self.make) = (name, classes, make)
  }
}

/// One row a network.
private let architectures = [
  Architecture("resnet_small", classes: 10) { ResNet.small($0) },
  Architecture("mobilenet_small", classes: 10) { MobileNetV2.small($0) },
  Architecture("vgg_small", classes: 10) { VGG.small($0) },
  Architecture("unet_small", classes: 10) { UNet.small($0) },
  Architecture("vit_small", classes: 10) { VisionTransformer.small($0) },
  Architecture("bert_small", classes: 2) { BERT.small($0) },
  Architecture("resnet18", classes: 1000) { ResNet.resnet18($0) },
  Architecture("resnet34", classes: 1000) { ResNet.resnet34($0) },
  Architecture("resnet50", classes: 1000) { ResNet.resnet50($0) },
  Architecture("mobilenet_v2", classes: 1000) { MobileNetV2.standard($0) },
  Architecture("mobilenet_v3_small", classes: 1000) { MobileNetV3.small($0) },
  Architecture("mobilenet_v3_large", classes: 1000) { MobileNetV3.large($0) },
  Architecture("efficientnet_b0", classes: 1000) { EfficientNet.b0($0) },
  Architecture("vgg11", classes: 1000) { VGG.vgg11($0) },
  Architecture("vgg16", classes: 1000) { VGG.vgg16($0) },
  Architecture("unet", classes: 2) { UNet.standard($0) },
  Architecture("vit_b_16", classes: 1000) { VisionTransformer.base($0) },
  Architecture("bert_base", classes: 2) { BERT.base($0) },
]
