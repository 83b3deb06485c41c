import QATJSON

extension DataConfiguration {
  static let schema = ObjectSchema<DataConfiguration>(
    [
      SchemaKey("train", optional: \.train, .text),
      SchemaKey("validation", optional: \.validation, .text),
      SchemaKey("normalize", optional: \.normalize, Normalization.schema.rule(defaults: Normalization(mean: [], std: []))),
      SchemaKey("augment", \.augment, Augmentation.schema.rule(defaults: Augmentation())),
    ],
    misplaced: [
      "mean": "it belongs in \"normalize\"", "std": "it belongs in \"normalize\"", "flip": "it belongs in \"augment\"",
      "crop_padding": "it belongs in \"augment\"", "val": "it is called \"validation\"", "test": "it is called \"validation\"",
    ])
}

extension DataConfiguration.Normalization {
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
  static let schema = ObjectSchema<Self>(
    [
      SchemaKey("flip", \.flip, .bool),
      SchemaKey("crop_padding", \.cropPadding, .integer(atLeast: 0, atMost: 4096)),
    ])
}
