import QATGraph

/// The names that `architecture(named:classes:seed:)` knows.
public let architectureNames = ["resnet_small", "mobilenet_small", "resnet18", "mobilenet_v2"]

/// A well-known network with seeded initial weights.
///
/// `resnet_small` and `mobilenet_small` take [N, 1, 28, 28] and need under 5 million multiply-adds an image; `resnet18` and `mobilenet_v2` take
/// [N, 3, 224, 224] and have torchvision's structure, parameter names and initial distributions. The input is named `input`, the output `logits` [N, classes].
/// - Parameters:
///   - name: the architecture.
///   - classes: number of classes, at least 1.
///   - seed: seed of the initial weights; equal seeds give equal weights on every machine.
/// - Returns: the network, or nil when the name is none of `architectureNames`.
public func architecture(named name: String, classes: Int, seed: UInt64 = 0) -> Graph? {
  switch name {
  case "resnet_small": ResNet.small(classes: classes, seed: seed)
  case "mobilenet_small": MobileNetV2.small(classes: classes, seed: seed)
  case "resnet18": ResNet.resnet18(classes: classes, seed: seed)
  case "mobilenet_v2": MobileNetV2.standard(classes: classes, seed: seed)
  default: nil
  }
}

/// The number of classes an architecture was published with: 10 for 28×28 images, 1000 for ImageNet's.
public func defaultClassCount(ofArchitecture name: String) -> Int { name.hasSuffix("_small") ? 10 : 1000 }
