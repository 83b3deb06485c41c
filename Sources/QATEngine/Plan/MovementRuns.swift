/// Where the elements of a tensor come from, as runs of equal length: consecutive elements whose places lie equally far apart in the tensor they come from.
///
/// A table of each element's place would be as large as the tensor; of rows that move as they are, and of transposed ones, it is a small part of that.
struct MovementRuns {
  /// Elements of a run.
  let length: Int
  /// How far the places of a run's successive elements lie apart.
  let stride: Int
  /// The place of each run's first element; −1 for a run that comes from nowhere.
  let starts: [Int32]

  /// - Parameter sources: for each element its place, or −1 where it comes from nowhere; all below 2³¹.
  init(_ sources: [Int]) {
    let stride = zip(sources, sources.dropFirst()).first { $0 >= 0 && $1 >= 0 }.map { $1 - $0 } ?? 1
    var length = sources.count
    for index in sources.indices.dropFirst() where length > 1 && !Self.follows(sources[index], sources[index - 1], stride) {
      length = Self.commonDivisor(length, index)
    }
    (self.length, self.stride) = (max(length, 1), stride)
    starts = Swift.stride(from: 0, to: sources.count, by: max(length, 1)).map { Int32(sources[$0]) }
  }

  private static func follows(_ place: Int, _ before: Int, _ stride: Int) -> Bool { before < 0 ? place < 0 : place >= 0 && place - before == stride }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }

  /// Fills `y` with the elements of `x`, or with `filling`.
  func move(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, filling: Float) {
    for (run, start) in starts.enumerated() {
      let to = y + run * length
      if start < 0 {
        to.update(repeating: filling, count: length)
      } else if stride == 1 {
        to.update(from: x + Int(start), count: length)
      } else {
        let from = x + Int(start)
        for index in 0..<length { to[index] = from[index * stride] }
      }
    }
  }

  /// Adds each element of `dy` to the place in `dx` from which its element came.
  func addBack(_ dy: UnsafePointer<Float>, to dx: UnsafeMutablePointer<Float>) {
    for (run, start) in starts.enumerated() where start >= 0 {
      let (from, to) = (dy + run * length, dx + Int(start))
      if stride == 1 {
        for index in 0..<length { to[index] += from[index] }
      } else {
        for index in 0..<length { to[index * stride] += from[index] }
      }
    }
  }
}
