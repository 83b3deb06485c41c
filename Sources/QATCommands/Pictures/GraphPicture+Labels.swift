/// The labels of boxes: how wide they are, and what of them can be drawn.
extension GraphPicture {
  /// Most characters of a line in a box; hovering shows all.
  private static let longestLine = 44

  /// The lines of a box as they are drawn: long names keep their beginning and their end.
  static func lines(of box: Box) -> [String] { [box.title, box.detail].map(shortened) }

  /// The text, or its beginning and its end when it is long.
  static func shortened(_ text: String) -> String {
    guard text.count > longestLine else { return text }
    return "\(text.prefix(longestLine / 2 - 1))…\(text.suffix(longestLine / 2))"
  }

  /// How wide a line is drawn in Helvetica or a font like it, in multiples of the font's size: rather too much than too little.
  static func width(ofLine text: String, isBold: Bool) -> Double {
    text.reduce(0) { $0 + width(of: $1) } * (isBold ? 1.1 : 1)
  }

  private static func width(of character: Character) -> Double {
    guard let code = character.asciiValue else { return 1.05 }
    switch Character(UnicodeScalar(code)) {
    case "i", "j", "l", "I", "|", "'", ".", ",", ":", ";", "!": return 0.34
    case "f", "t", "r", "(", ")", "[", "]", "{", "}", "/", "\\", "-", " ", "`", "\"": return 0.42
    case "m", "w", "M", "W", "@", "%": return 1
    case "A"..."Z", "+", "=", "<", ">", "~", "&": return 0.78
    default: return 0.62
    }
  }
}
