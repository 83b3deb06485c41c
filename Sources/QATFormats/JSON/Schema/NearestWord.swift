/// Finds what a misspelt word was meant to be.
public enum NearestWord {
  /// The candidate that takes the fewest edits, when they are few enough for a slip of the hand: a third of the word's length, at least one.
  ///
  /// A difference in case, or between `-` and `_`, costs nothing. Among equals the first candidate wins.
  public static func to(_ word: String, among candidates: [String]) -> String? {
    // Nobody misspells a word by writing a page; the bound keeps hostile input cheap.
    guard word.utf8.count <= 100 else { return nil }
    let folded = fold(word)
    var best: (distance: Int, candidate: String)?
    for candidate in candidates {
      let distance = editDistance(folded, fold(candidate))
      if distance <= max(1, min(folded.count, candidate.count) / 3), distance < best?.distance ?? .max { best = (distance, candidate) }
    }
    return best?.candidate
  }

  /// The up to `count` candidates that take the fewest edits, nearest first, however many those are. Among equals the earlier candidate comes first.
  public static func ranked(_ word: String, among candidates: [String], count: Int) -> [String] {
    guard word.utf8.count <= 200 else { return [] }
    let folded = fold(word)
    let distances = candidates.enumerated().map { (distance: editDistance(folded, fold($1)), order: $0, candidate: $1) }
    return distances.sorted { ($0.distance, $0.order) < ($1.distance, $1.order) }.prefix(count).map(\.candidate)
  }

  private static func fold(_ word: String) -> [Character] { word.lowercased().map { $0 == "-" ? "_" : $0 } }

  /// The number of insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (optimal string alignment).
  static func editDistance(_ from: [Character], _ to: [Character]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: to.count + 1)
    var previous = Array(0...to.count)
    for row in 0..<from.count {
      var current = [row + 1] + [Int](repeating: 0, count: to.count)
      for column in 0..<to.count {
        let substitution = previous[column] + (from[row] == to[column] ? 0 : 1)
        current[column + 1] = min(substitution, previous[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, from[row] == to[column - 1], from[row - 1] == to[column] {
          current[column + 1] = min(current[column + 1], beforePrevious[column - 1] + 1)
        }
      }
      beforePrevious = previous
      previous = current
    }
    return previous[to.count]
  }
}
