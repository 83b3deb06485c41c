/// The picture for a browser.
extension GraphPicture {
  private enum Size {
    static let row = 64.0
    static let height = 36.0
    static let gap = 18.0
    static let margin = 20.0
    static let font = 11.0
    /// Between the letters and the edges of their box, both sides together.
    static let padding = 18.0
    static let legend = 22.0
  }

  /// A drawing in SVG: data flow from top to bottom.
  var svg: String {
    let labels = boxes.map(Self.lines)
    let widths = labels.map { lines in
      lines.enumerated().map { Self.width(ofLine: $1, isBold: $0 == 0) }.reduce(0, max) * Size.font + Size.padding
    }
    let layout = LayeredLayout(widths: widths, arrows: arrows, gap: Size.gap)
    let top = Size.margin * 2 + Size.legend * Double(Box.Kind.allCases.count)
    let width = Swift.max(layout.width, 320) + 2 * Size.margin
    let height = top + Double(layout.layerCount) * Size.row + Size.margin
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(number(width))\" height=\"\(number(height))\" "
        + "viewBox=\"0 0 \(number(width)) \(number(height))\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"\(number(Size.font))\">",
      "<title>\(name.escapedForXML)</title>",
      "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
        + "<path d=\"M0,0.5L8,4L0,7.5z\" fill=\"#666\"/></marker></defs>", "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    ]
    for (index, kind) in Box.Kind.allCases.enumerated() {
      let y = Size.margin + Double(index) * Size.legend
      lines.append(rectangle(x: Size.margin, y: y, width: 26, height: 14, kind) + "/>")
      lines.append("<text x=\"\(number(Size.margin + 34))\" y=\"\(number(y + 11))\">\(kind.legend.escapedForXML)</text>")
    }
    func y(_ layer: Int) -> Double { top + Double(layer) * Size.row }
    lines.append("<g fill=\"none\" stroke=\"#666\">")
    for (arrow, bends) in zip(arrows, layout.bends) {
      // From the lower edge of one box over the bends to the upper edge of the other: straight past the boxes of a layer, aside only between layers.
      var points = [(layout.centers[arrow.from], y(layout.layers[arrow.from]) + Size.height)]
      for (index, bend) in bends.enumerated() {
        let upper = y(layout.layers[arrow.from] + index + 1)
        points += [(bend, upper), (bend, upper + Size.height)]
      }
      points.append((layout.centers[arrow.to], y(layout.layers[arrow.to])))
      lines.append("<path d=\"\(curve(points.map { (x: $0.0 + Size.margin, y: $0.1) }))\" marker-end=\"url(#head)\"/>")
    }
    lines.append("</g>")
    for (index, box) in boxes.enumerated() {
      let x = layout.centers[index] + Size.margin
      let y = y(layout.layers[index])
      lines.append("<g><title>\("\(box.title) \(box.detail)\n\(box.note)".escapedForXML)</title>")
      lines.append(rectangle(x: x - widths[index] / 2, y: y, width: widths[index], height: Size.height, box.kind) + "/>")
      lines.append(
        "<text x=\"\(number(x))\" y=\"\(number(y + 15))\" text-anchor=\"middle\" font-weight=\"bold\">\(labels[index][0].escapedForXML)</text>")
      lines.append("<text x=\"\(number(x))\" y=\"\(number(y + 29))\" text-anchor=\"middle\">\(labels[index][1].escapedForXML)</text></g>")
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private func rectangle(x: Double, y: Double, width: Double, height: Double, _ kind: Box.Kind) -> String {
    "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"\(number(height))\" rx=\"5\" fill=\"\(kind.fill)\" stroke=\"#888\""
  }

  /// A smooth line that leaves and reaches every point vertically.
  private func curve(_ points: [(x: Double, y: Double)]) -> String {
    var path = "M\(number(points[0].x)),\(number(points[0].y))"
    for (start, end) in zip(points, points.dropFirst()) {
      let middle = number((start.y + end.y) / 2)
      path += "C\(number(start.x)),\(middle) \(number(end.x)),\(middle) \(number(end.x)),\(number(end.y))"
    }
    return path
  }

  private func number(_ value: Double) -> String { Numbers.fixed(value, 1) }
}
