/// Why the engine cannot run a graph.
public struct EngineError: Error, Hashable, CustomStringConvertible {
  /// One sentence: what was found, what was expected, where.
  public var description: String

  /// An error with its sentence.
  public init(_ description: String) { self.description = description }
}
