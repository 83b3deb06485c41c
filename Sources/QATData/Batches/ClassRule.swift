/// Which indices of classes a loss can take.
public struct ClassRule: Sendable, Hashable {
  /// Classes that the network tells apart, 0 to `classCount` − 1.
  public var classCount: Int
  /// The index of positions that do not count; nil where all do.
  public var ignoreIndex: Int?

  /// A rule.
  public init(classCount: Int, ignoreIndex: Int? = nil) {
    self.classCount = classCount
    self.ignoreIndex = ignoreIndex
  }

  /// Copies one sample's classes, with −1 where one is to be ignored.
  /// - Returns: the first position whose class is none of the network's; nil when there is none.
  func copy(_ classes: UnsafeMutableBufferPointer<Int32>, to destination: UnsafeMutablePointer<Int32>) -> Int? {
    let (bound, ignored) = (Int32(clamping: classCount), ignoreIndex.map { Int32(clamping: $0) })
    for place in classes.indices {
      let found = classes[place]
      if found == ignored {
        destination[place] = -1
      } else if found >= 0 && found < bound {
        destination[place] = found
      } else {
        return place
      }
    }
    return nil
  }
}
