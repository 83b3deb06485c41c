import QATData
import QATJSON

extension DataConfiguration {
  static let schema = ObjectSchema<DataConfiguration>(
    [
      SchemaKey("train", optional: \.train, .text),
      SchemaKey("validation", optional: \.validation, .text),
      SchemaKey("channels", \.channels, .integer("1 for grey or 3 for colour") { $0 == 1 || $0 == 3 }).shown(where: { $0.channels != 3 }),
      SchemaKey("resize", optional: \.resize, .resize),
      SchemaKey("crop", optional: \.crop, .imageSize),
      SchemaKey("normalize", optional: \.normalize, Normalization.rule),
      SchemaKey("augment", \.augment, Augmentation.schema.rule(defaults: Augmentation())),
      SchemaKey("workers", \.workers, .integer(atLeast: 1, atMost: 256)),
      SchemaKey("max_corrupt", \.maxCorrupt, .integer(atLeast: 0)),
    ],
    misplaced: [
      "mean": "it belongs in \"normalize\"", "std": "it belongs in \"normalize\"", "flip": "it belongs in \"augment\"",
      "crop_padding": "it belongs in \"augment\"", "val": "it is called \"validation\"", "test": "it is called \"validation\"",
      "random_resized_crop": "it belongs in \"augment\"", "num_workers": "it is called \"workers\"", "size": "it is called \"crop\" or \"resize\"",
      "crop_size": "it is called \"crop\"",
    ], rules: [checkRandomCrop])

  @Sendable private static func checkRandomCrop(_ data: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    guard data.augment.randomCrop != nil, data.crop == nil else { return }
    if case .exactly? = data.resize { return }
    problems.error(
      "\"random_resized_crop\" needs the size that it makes: give \"crop\" in \"data\"", at: node["augment"]?["random_resized_crop"] ?? node)
  }
}

extension DataConfiguration.Normalization {
  /// Means and standard deviations that are published for well-known data and networks, by name.
  static let presets: [(name: String, values: Self)] = [
    ("imagenet", Self(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])),
    ("inception", Self(mean: [0.5], std: [0.5])),
    ("clip", Self(mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711])),
    ("cifar10", Self(mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616])),
    ("cifar100", Self(mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762])),
    ("mnist", Self(mean: [0.1307], std: [0.3081])),
    ("fashion_mnist", Self(mean: [0.2860], std: [0.3530])),
  ]

  /// Reads the name of a preset, or an object; written as an object, so that a saved run says its numbers.
  static let rule: ValueRule<Self> = {
    let object = schema.rule(defaults: Self(mean: [], std: []))
    let names = presets.map { "\"\($0.name)\"" }.joined(separator: ", ")
    return ValueRule(
      expecting: "an object, or the name of a preset",
      read: { node, problems in
        guard let word = node.string else { return object.read(node, &problems) }
        if let preset = presets.first(where: { $0.name == word }) { return preset.values }
        let hint = NearestWord.to(word, among: presets.map(\.name)).map { "; did you mean \"\($0)\"?" } ?? ""
        problems.error("found \(node.summary); expected an object with \"mean\" and \"std\", or one of \(names)\(hint)", at: node)
        return nil
      },
      write: object.write)
  }()

  static let schema = ObjectSchema<Self>(
    [
      SchemaKey("mean", \.mean, .array(of: .number, "an array of numbers, one for all channels or one each", minimumCount: 1)).required,
      SchemaKey("std", \.std, .array(of: .positive, "an array of numbers above 0, one for all channels or one each", minimumCount: 1)).required,
    ], rules: [checkCounts])

  @Sendable private static func checkCounts(_ normalization: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    guard normalization.mean.count != normalization.std.count else { return }
    problems.error(
      "\"std\" has \(normalization.std.count) values and \"mean\" has \(normalization.mean.count); expected as many of the one as of the other",
      at: node["std"] ?? node)
  }
}

extension DataConfiguration.Augmentation {
  private static let alpha = ValueRule.number("a number from 0 to 100") { $0 >= 0 && $0 <= 100 }

  static let schema = ObjectSchema<Self>(
    [
      SchemaKey("flip", \.flip, .bool),
      SchemaKey("crop_padding", \.cropPadding, .integer(atLeast: 0, atMost: 4096)),
      SchemaKey("random_resized_crop", optional: \.randomCrop, .randomCrop),
      SchemaKey("brightness", \.colour.brightness, .nonnegative).shown(where: { $0.colour.brightness != 0 }),
      SchemaKey("contrast", \.colour.contrast, .nonnegative).shown(where: { $0.colour.contrast != 0 }),
      SchemaKey("saturation", \.colour.saturation, .nonnegative).shown(where: { $0.colour.saturation != 0 }),
      SchemaKey("mixup", \.mixup, alpha).shown(where: { $0.mixup != 0 }),
      SchemaKey("cutmix", \.cutmix, alpha).shown(where: { $0.cutmix != 0 }),
    ])
}
