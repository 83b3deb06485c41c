import Foundation
import QATFiles

/// An attribute of an element, as IR writes numbers, lists and truth values.
struct IRAttribute {
  var name: String
  var value: String

  init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  init(_ name: String, _ value: Int) { self.init(name, "\(value)") }
  init(_ name: String, _ value: Bool) { self.init(name, value ? "true" : "false") }
  init(_ name: String, _ values: [Int]) { self.init(name, values.map(String.init).joined(separator: ", ")) }

  /// The number in as many digits as tell it apart, which OpenVINO reads as the same float32. It has no infinity.
  init(_ name: String, _ value: Float) {
    self.init(name, value.isInfinite ? "\(value < 0 ? "-" : "")\(Double.greatestFiniteMagnitude)" : "\(value)")
  }
}

/// XML with one element a line.
struct XMLText {
  private(set) var data = Data()
  private var depth = 0

  mutating func line(_ text: String) {
    data.append(contentsOf: String(repeating: " ", count: depth).utf8)
    data.append(contentsOf: text.utf8)
    data.append(10)
  }

  mutating func element(_ name: String, _ attributes: [IRAttribute]) { line("<\(name)\(Self.text(attributes))/>") }

  mutating func element(_ name: String, _ attributes: [IRAttribute], _ body: (inout XMLText) -> Void) {
    line("<\(name)\(Self.text(attributes))>")
    depth += 1
    body(&self)
    depth -= 1
    line("</\(name)>")
  }

  /// Values may be names from files of others.
  private static func text(_ attributes: [IRAttribute]) -> String {
    attributes.map { " \($0.name)=\"\($0.value.escapedForXMLAttribute)\"" }.joined()
  }

  /// A key as the name of an element: letters, digits, dots, hyphens and underscores, not beginning with a digit.
  static func elementName(_ key: String) -> String {
    let name = String(key.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
    return name.first.map { $0.isLetter || $0 == "_" } == true ? name : "_" + name
  }
}
