import QAT

/// What an exported file says of itself, so that it can be evaluated without the configuration it came from.
enum ModelMetadata {
  private static let mean = "qat.normalize.mean"
  private static let std = "qat.normalize.std"
  private static let resize = "qat.resize"
  private static let crop = "qat.crop"

  /// Notes for a network that is fed with `preprocessing`, and whose quantizers a controller has made.
  static func strings(_ preprocessing: Preprocessing, _ controller: CompressionController? = nil) -> [String: String] {
    func text(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: " ") }
    var strings = controller?.metadata ?? [:]
    strings[mean] = text(preprocessing.mean)
    strings[std] = text(preprocessing.std)
    switch preprocessing.resize {
    case nil: break
    case .shorterSide(let side): strings[resize] = "\(side)"
    case .exactly(let size): strings[resize] = "\(size.height) \(size.width)"
    }
    strings[crop] = preprocessing.crop.map { "\($0.height) \($0.width)" }
    return strings
  }

  /// The fingerprint of the configuration that made the quantizers, as a file's notes say it; nil when they say none.
  static func fingerprint(_ metadata: [String: String]) -> String? { metadata[CompressionController.fingerprintKey] }

  /// The runtime that a file's notes say it is for, nil when they say none.
  static func target(_ metadata: [String: String]) -> Runtime? { metadata["target"].flatMap(Runtime.init(rawValue:)) }

  /// The preprocessing that a file's notes say, nil when they say no normalisation that can be read.
  static func preprocessing(_ metadata: [String: String]) -> Preprocessing? {
    func values(_ key: String) -> [Float]? {
      guard let words = metadata[key]?.split(separator: " ") else { return nil }
      let values = words.compactMap { Float($0) }
      return values.count == words.count && !values.isEmpty ? values : nil
    }
    guard let mean = values(mean), let std = values(std) else { return nil }
    func sides(_ key: String) -> [Int] { (metadata[key] ?? "").split(separator: " ").compactMap { Int($0) }.filter { (1...65536).contains($0) } }
    func size(_ sides: [Int]) -> ImageSize? { sides.count == 2 ? ImageSize(height: sides[0], width: sides[1]) : nil }
    let resized = sides(resize)
    return Preprocessing(
      mean: mean, std: std, resize: resized.count == 1 ? .shorterSide(resized[0]) : size(resized).map { .exactly($0) }, crop: size(sides(crop)))
  }
}
