/// Places the boxes of a directed graph in layers, so that every arrow points down, few arrows cross and most run straight.
///
/// Source: Sugiyama, Tagawa, Toda 1981: layers by longest paths, order within a layer by the barycentres of neighbours. Long arrows hold a place in every
/// layer that they pass.
struct LayeredLayout {
  /// The layer of each box, from 0.
  private(set) var layers: [Int]
  /// The middle of each box from left to right.
  private(set) var centers: [Double] = []
  /// For each arrow where it passes the layers between its ends.
  private(set) var bends: [[Double]] = []
  /// Width of the whole.
  private(set) var width = 0.0
  var layerCount: Int { (layers.max() ?? -1) + 1 }

  private static let sweeps = 8
  /// Long chains come into line slowly.
  private static let straightenings = 60
  private var widths: [Double]
  private let gap: Double
  /// The places of each layer in their order: boxes, and behind them in number the bends of arrows.
  private var rows: [[Int]] = []
  private var above: [[Int]]
  private var below: [[Int]]

  /// - Parameters:
  ///   - widths: the boxes' widths.
  ///   - arrows: each from a box to one of a higher number.
  ///   - gap: smallest distance between two boxes of a layer.
  init(widths: [Double], arrows: [GraphPicture.Arrow], gap: Double) {
    self.widths = widths
    self.gap = gap
    layers = Self.layers(count: widths.count, arrows)
    above = [[Int]](repeating: [], count: widths.count)
    below = above
    rows = [[Int]](repeating: [], count: layerCount)
    for box in widths.indices { rows[layers[box]].append(box) }
    let paths = arrows.map { path(of: $0) }
    for sweep in 0..<Self.sweeps { order(downwards: sweep.isMultiple(of: 2)) }
    let places = coordinates()
    centers = Array(places.prefix(layers.count))
    bends = paths.map { $0.map { places[$0] } }
  }

  /// The longest path from a source, and sources as low as their readers let them be.
  private static func layers(count: Int, _ arrows: [GraphPicture.Arrow]) -> [Int] {
    var layers = [Int](repeating: 0, count: count)
    var sources = Set(0..<count)
    // In the order of their ends, so that the start of each arrow has found its layer.
    for arrow in arrows.sorted(by: { ($0.to, $0.from) < ($1.to, $1.from) }) {
      layers[arrow.to] = max(layers[arrow.to], layers[arrow.from] + 1)
      sources.remove(arrow.to)
    }
    var lowest: [Int: Int] = [:]
    for arrow in arrows where sources.contains(arrow.from) { lowest[arrow.from] = min(lowest[arrow.from] ?? .max, layers[arrow.to] - 1) }
    for (source, layer) in lowest { layers[source] = layer }
    return layers
  }

  /// Adds a place to every layer between the ends of an arrow, and tells neighbours of each other.
  private mutating func path(of arrow: GraphPicture.Arrow) -> [Int] {
    var path: [Int] = []
    var last = arrow.from
    func link(_ upper: Int, _ lower: Int, _ layout: inout LayeredLayout) {
      layout.below[upper].append(lower)
      layout.above[lower].append(upper)
    }
    for layer in layers[arrow.from] + 1..<max(layers[arrow.to], layers[arrow.from] + 1) {
      let bend = widths.count
      widths.append(gap / 2)
      above.append([])
      below.append([])
      rows[layer].append(bend)
      link(last, bend, &self)
      path.append(bend)
      last = bend
    }
    link(last, arrow.to, &self)
    return path
  }

  /// Sorts each layer by the mean position of neighbours in the layer before it.
  private mutating func order(downwards: Bool) {
    var positions = [Double](repeating: 0, count: widths.count)
    for row in rows {
      for (position, place) in row.enumerated() { positions[place] = Double(position) }
    }
    let neighbours = downwards ? above : below
    for layer in downwards ? Array(rows.indices) : rows.indices.reversed() {
      let keys = rows[layer].map { place in mean(neighbours[place].map { positions[$0] }) ?? positions[place] }
      let sorted = rows[layer].indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
      rows[layer] = sorted.map { rows[layer][$0] }
      for (position, place) in rows[layer].enumerated() { positions[place] = Double(position) }
    }
  }

  /// The middle of every place: as near to its neighbours' middles as the others of its layer allow.
  private mutating func coordinates() -> [Double] {
    var places = [Double](repeating: 0, count: widths.count)
    for row in rows {
      for (place, x) in zip(row, separated(row, around: row.map { _ in 0 })) { places[place] = x }
    }
    // What nothing leads to stands beside its reader and moves nobody out of line: weights beside the flow of data.
    let flows = widths.indices.map { place in
      let whole = above[place] + below[place]
      let flow = whole.filter { !above[$0].isEmpty }
      return above[place].isEmpty || flow.isEmpty ? whole : flow
    }
    for sweep in 0..<Self.straightenings {
      for layer in sweep.isMultiple(of: 2) ? Array(rows.indices) : rows.indices.reversed() {
        let row = rows[layer]
        let wanted = row.map { place in mean(flows[place].map { places[$0] }) ?? places[place] }
        for (place, x) in zip(row, separated(row, around: wanted)) { places[place] = x }
      }
    }
    let left = widths.indices.map { places[$0] - widths[$0] / 2 }.min() ?? 0
    width = (widths.indices.map { places[$0] + widths[$0] / 2 }.max() ?? 0) - left
    return places.map { $0 - left }
  }

  /// Positions of a row in their order without overlaps, of least squared distance to what is wanted: pool adjacent violators. What nothing leads to gives way.
  private func separated(_ row: [Int], around wanted: [Double]) -> [Double] {
    var offsets: [Double] = []
    var pools: [(sum: Double, weight: Double, count: Int)] = []
    for (index, place) in row.enumerated() {
      let step = index == 0 ? 0 : (widths[row[index - 1]] + widths[place]) / 2 + gap
      offsets.append((offsets.last ?? 0) + step)
      let weight = above[place].isEmpty ? 1e-3 : 1
      pools.append((weight * (wanted[index] - offsets[index]), weight, 1))
      while pools.count > 1, pools[pools.count - 2].sum / pools[pools.count - 2].weight > pools[pools.count - 1].sum / pools[pools.count - 1].weight {
        let last = pools.removeLast()
        pools[pools.count - 1].sum += last.sum
        pools[pools.count - 1].weight += last.weight
        pools[pools.count - 1].count += last.count
      }
    }
    let means = pools.flatMap { [Double](repeating: $0.sum / $0.weight, count: $0.count) }
    return zip(means, offsets).map { $0 + $1 }
  }

  private func mean(_ values: [Double]) -> Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }
}
