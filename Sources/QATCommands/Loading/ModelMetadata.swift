import QAT

/// What an exported file says of itself, so that it can be evaluated without the configuration it came from.
enum ModelMetadata {
  private static let mean = "qat.normalize.mean"
  private static let std = "qat.normalize.std"

  /// Notes for a network that is fed with `preprocessing`.
  static func strings(_ preprocessing: Preprocessing) -> [String: String] {
    func text(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: " ") }
    return [mean: text(preprocessing.mean), std: text(preprocessing.std)]
  }

  /// The runtime that a file's notes say it is for, nil when they say none.
  static func target(_ metadata: [String: String]) -> Runtime? { metadata["target"].flatMap(Runtime.init(rawValue:)) }

  /// The normalisation that a file's notes say, nil when they say none that can be read.
  static func preprocessing(_ metadata: [String: String]) -> Preprocessing? {
    func values(_ key: String) -> [Float]? {
      guard let words = metadata[key]?.split(separator: " ") else { return nil }
      let values = words.compactMap { Float($0) }
      return values.count == words.count && !values.isEmpty ? values : nil
    }
    guard let mean = values(mean), let std = values(std) else { return nil }
    return Preprocessing(mean: mean, std: std)
  }
}
