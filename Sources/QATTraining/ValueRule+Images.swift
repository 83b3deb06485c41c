import QATData
import QATJSON

extension ValueRule where Value == Int {
  /// A whole number for which `condition` holds.
  static func integer(_ expectation: String, where condition: @escaping @Sendable (Int) -> Bool) -> ValueRule {
    ValueRule(
      expecting: expectation, from: { $0.number?.integer.flatMap { condition($0) ? $0 : nil } }, write: { .integer($0) })
  }
}

extension ValueRule where Value == ImageSize {
  /// One number for both sides, or height and width.
  static let imageSize = ValueRule(
    expecting: "a number of pixels from 1 to 65536, or [height, width]",
    from: { node in side(node).map { ImageSize(height: $0, width: $0) } ?? sides(node) },
    write: { $0.height == $0.width ? .integer($0.height) : .array([.integer($0.height), .integer($0.width)]) })

  /// [height, width].
  fileprivate static func sides(_ node: JSONNode) -> ImageSize? {
    guard let sides = node.array, sides.count == 2, let height = side(sides[0]), let width = side(sides[1]) else { return nil }
    return ImageSize(height: height, width: width)
  }

  fileprivate static func side(_ node: JSONNode) -> Int? { node.number?.integer.flatMap { (1...65536).contains($0) ? $0 : nil } }
}

extension ValueRule where Value == Preprocessing.Resize {
  /// The shorter side, or height and width.
  static let resize = ValueRule(
    expecting: "the shorter side's pixels from 1 to 65536, or [height, width]",
    from: { node in
      ValueRule<ImageSize>.side(node).map { .shorterSide($0) } ?? ValueRule<ImageSize>.sides(node).map { .exactly($0) }
    },
    write: { resize in
      switch resize {
      case .shorterSide(let side): .integer(side)
      case .exactly(let size): .array([.integer(size.height), .integer(size.width)])
      }
    })
}

extension ValueRule where Value == RandomCrop {
  /// `true`, or the ranges.
  static let randomCrop: ValueRule = {
    let object = ObjectSchema<RandomCrop>([
      SchemaKey("scale", \.scale, range("two rising numbers above 0 and at most 1") { $0 > 0 && $0 <= 1 }),
      SchemaKey("ratio", \.ratio, range("two rising numbers above 0") { $0 > 0 && $0 < 1e6 }),
    ]).rule(defaults: RandomCrop())
    return ValueRule(
      expecting: "true, or an object with \"scale\" and \"ratio\"",
      read: { node, problems in node.bool == true ? RandomCrop() : node.bool == false ? nil : object.read(node, &problems) },
      write: object.write)
  }()

  private static func range(_ expectation: String, where condition: @escaping @Sendable (Double) -> Bool) -> ValueRule<[Double]> {
    ValueRule<[Double]>(
      expecting: expectation,
      from: { node in
        guard let values = node.array?.compactMap({ $0.number?.double }), values.count == 2, node.array?.count == 2, values.allSatisfy(condition),
          values[0] <= values[1]
        else { return nil }
        return values
      },
      write: { .array($0.map { .number($0) }) })
  }
}
