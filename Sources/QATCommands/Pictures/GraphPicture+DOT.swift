/// The picture for Graphviz.
extension GraphPicture {
  /// A graph in the DOT language.
  var dot: String {
    var lines = [
      "digraph \(Self.quoted(name)) {", "  rankdir=TB;", "  node [shape=box, style=\"filled,rounded\", fontname=\"Helvetica\", fontsize=10];",
    ]
    for (index, box) in boxes.enumerated() {
      let label = Self.quoted("\(box.title)\n\(box.detail)")
      lines.append("  n\(index) [label=\(label), fillcolor=\"\(box.kind.fill)\", tooltip=\(Self.quoted(box.note))];")
    }
    lines += arrows.map { "  n\($0.from) -> n\($0.to);" }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// A text in quotation marks, on one line.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for character in text {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
    return result + "\""
  }
}
