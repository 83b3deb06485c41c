/// Curves over steps as inline SVG, in the colours of the page.
struct LineChart {
  /// One curve.
  struct Curve {
    var name: String
    var points: [(x: Double, y: Double)]
    /// Number of its colour.
    var color: Int
    /// Whether each point is marked: a curve of few points.
    var isMarked = false
    /// Whether neighbours differ by chance: a mean over neighbours stands in front of the points.
    var isNoisy = false
  }

  let title: String
  let curves: [Curve]
  var format: (Double) -> String = { Numbers.short($0) }

  private enum Size {
    static let width = 500.0
    static let height = 220.0
    static let left = 46.0
    static let right = 10.0
    static let top = 10.0
    static let bottom = 24.0
    /// Points of a curve at most: more cannot be seen.
    static let points = 240
    /// Points from which on a noisy curve is smoothed.
    static let smoothedFrom = 24
  }

  /// A figure with title, legend and drawing; empty without points.
  var html: String {
    let drawn = curves.map { curve in Self.thinned(curve) }.filter { !$0.points.isEmpty }
    guard !drawn.isEmpty else { return "" }
    let x = AxisScale(drawn.flatMap { $0.points.map(\.x) }, ticks: 4, endsAtValues: true)
    let y = AxisScale(drawn.flatMap { $0.points.map(\.y) }, ticks: 4)
    var lines = [
      "<figure class=\"chart\"><figcaption><b>\(title.escapedForXML)</b>\(legend(drawn))</figcaption>",
      "<svg viewBox=\"0 0 \(number(Size.width)) \(number(Size.height))\" role=\"img\" aria-label=\"\(title.escapedForXML)\">",
    ]
    for tick in y.ticks {
      let place = vertical(y.place(tick))
      lines.append("<path class=\"grid\" d=\"M\(number(Size.left)) \(place)H\(number(Size.width - Size.right))\"/>")
      lines.append("<text x=\"\(number(Size.left - 6))\" y=\"\(place)\" dy=\"0.32em\" text-anchor=\"end\">\(y.label(tick))</text>")
    }
    for tick in x.ticks {
      lines.append(
        "<text x=\"\(horizontal(x.place(tick)))\" y=\"\(number(Size.height - 7))\" text-anchor=\"middle\">\(x.label(tick))</text>")
    }
    for curve in drawn {
      let points = curve.points.map { (horizontal(x.place($0.x)), vertical(y.place($0.y))) }
      func path(_ points: [(String, String)]) -> String { "M" + points.map { "\($0.0) \($0.1)" }.joined(separator: "L") }
      if curve.isNoisy, points.count > Size.smoothedFrom {
        lines.append("<path class=\"raw c\(curve.color)\" d=\"\(path(points))\"/>")
        let smooth = Self.smoothed(curve.points).map { (horizontal(x.place($0.x)), vertical(y.place($0.y))) }
        lines.append("<path class=\"curve c\(curve.color)\" d=\"\(path(smooth))\"/>")
      } else {
        lines.append("<path class=\"curve c\(curve.color)\" d=\"\(path(points))\"/>")
      }
      for (place, point) in zip(points, curve.points) where curve.isMarked {
        lines.append(
          "<circle class=\"c\(curve.color)\" cx=\"\(place.0)\" cy=\"\(place.1)\" r=\"3\"><title>\(curve.name.escapedForXML), step "
            + "\(Int(point.x)): \(format(point.y).escapedForXML)</title></circle>")
      }
    }
    return (lines + ["</svg></figure>"]).joined(separator: "\n")
  }

  private func legend(_ curves: [Curve]) -> String {
    curves.map { curve in
      let last = curve.points.last.map { " <span class=\"value\">\(format($0.y).escapedForXML)</span>" } ?? ""
      return "<span class=\"key c\(curve.color)\">\(curve.name.escapedForXML)\(last)</span>"
    }.joined()
  }

  /// The curve with neighbours averaged where it has more points than can be seen.
  private static func thinned(_ curve: Curve) -> Curve {
    var result = curve
    let points = curve.points.filter { $0.x.isFinite && $0.y.isFinite }
    result.points = points
    guard points.count > Size.points else { return result }
    result.points = (0..<Size.points).map { index in
      let piece = points[index * points.count / Size.points..<(index + 1) * points.count / Size.points]
      let count = Double(piece.count)
      return (piece.reduce(0) { $0 + $1.x } / count, piece.reduce(0) { $0 + $1.y } / count)
    }
    return result
  }

  /// Each point's mean with its neighbours, a twelfth of the curve on both sides together.
  private static func smoothed(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    let reach = max(points.count / 24, 1)
    return points.indices.map { index in
      let window = points[max(0, index - reach)...min(points.count - 1, index + reach)]
      return (points[index].x, window.reduce(0) { $0 + $1.y } / Double(window.count))
    }
  }

  private func horizontal(_ place: Double) -> String { number(Size.left + place * (Size.width - Size.left - Size.right)) }
  private func vertical(_ place: Double) -> String { number(Size.height - Size.bottom - place * (Size.height - Size.top - Size.bottom)) }
  private func number(_ value: Double) -> String { Numbers.fixed(value, 1) }
}
