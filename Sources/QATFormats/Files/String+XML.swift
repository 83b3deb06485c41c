extension String {
  /// The text for XML and HTML, as content or, in HTML, between double quotes. Control characters, which XML has no place for, become U+FFFD.
  package var escapedForXML: String { escaped { "\($0)" } }

  /// The text between double quotes in XML, whose readers turn line ends and tabs there into spaces unless they are written as numbers.
  package var escapedForXMLAttribute: String { escaped { "&#\($0.value);" } }

  private func escaped(whitespace: (Unicode.Scalar) -> String) -> String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += whitespace(scalar)
      case "\0"..."\u{1F}", "\u{FFFE}"..."\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
