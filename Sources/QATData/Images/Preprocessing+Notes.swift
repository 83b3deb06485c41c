/// The preprocessing as notes in a model's file, so that it can be evaluated without the configuration it came from.
extension Preprocessing {
  private static let mean = "qat.normalize.mean"
  private static let std = "qat.normalize.std"
  private static let resize = "qat.resize"
  private static let crop = "qat.crop"

  /// Notes, by the names that model files hold them under: what evaluation does to a sample.
  public var notes: [String: String] {
    func text(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: " ") }
    var notes = [Self.mean: text(mean), Self.std: text(std)]
    switch resize {
    case nil: break
    case .shorterSide(let side): notes[Self.resize] = "\(side)"
    case .exactly(let size): notes[Self.resize] = "\(size.height) \(size.width)"
    }
    notes[Self.crop] = crop.map { "\($0.height) \($0.width)" }
    return notes
  }

  /// The preprocessing that a file's notes say, nil when they say no normalisation that can be read.
  public init?(notes: [String: String]) {
    func values(_ key: String) -> [Float]? {
      guard let words = notes[key]?.split(separator: " ") else { return nil }
      let values = words.compactMap { Float($0) }
      return values.count == words.count && !values.isEmpty ? values : nil
    }
    guard let mean = values(Self.mean), let std = values(Self.std) else { return nil }
    func sides(_ key: String) -> [Int] { (notes[key] ?? "").split(separator: " ").compactMap { Int($0) }.filter { (1...65536).contains($0) } }
    func size(_ sides: [Int]) -> ImageSize? { sides.count == 2 ? ImageSize(height: sides[0], width: sides[1]) : nil }
    let resized = sides(Self.resize)
    self.init(
      mean: mean, std: std, resize: resized.count == 1 ? .shorterSide(resized[0]) : size(resized).map { .exactly($0) },
      crop: size(sides(Self.crop)))
  }
}
