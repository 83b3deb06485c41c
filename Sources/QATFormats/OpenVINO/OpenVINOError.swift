/// Why a network cannot be written as OpenVINO IR: the place, what was found, and what to do about it.
public struct OpenVINOError: Error, Hashable, CustomStringConvertible {
  /// The file, when it is one.
  public var file: String?
  /// The node at fault, when it is one.
  public var node: String?
  /// What is wrong, in one sentence.
  public var reason: String

  /// An error of a file, or of a node.
  public init(file: String? = nil, node: String? = nil, _ reason: String) {
    self.file = file
    self.node = node
    self.reason = reason
  }

  /// The place and the reason.
  public var description: String {
    let place = [file, node.map { "node '\($0)'" }].compactMap(\.self) + [reason]
    return place.joined(separator: ": ")
  }
}
