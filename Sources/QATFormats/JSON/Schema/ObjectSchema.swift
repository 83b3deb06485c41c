/// An object of a configuration as a table: its keys, what is known of others, and the rules between keys.
///
/// The table reads a node into a structure, collecting every problem, and writes the structure back with all its values.
public struct ObjectSchema<Root: Sendable>: Sendable {
  /// What becomes of keys that are not in the table.
  public enum UnknownKeys: Sendable {
    /// An error, for a key that is misspelt would silently do nothing.
    case refused
    /// A warning, unless a key looks misspelt: the root also holds keys of other programs.
    case warned
  }

  /// The keys, in the order in which they are read and written.
  public var keys: [SchemaKey<Root>]
  /// What becomes of other keys.
  public var unknownKeys = UnknownKeys.refused
  /// What to say of keys that belong elsewhere or are called otherwise in other programs, instead of the nearest key.
  public var misplaced: [String: String] = [:]
  /// Rules between keys, run after all keys are read.
  public var rules: [@Sendable (Root, JSONNode, inout ProblemList) -> Void] = []

  /// A table of keys.
  public init(
    _ keys: [SchemaKey<Root>], unknownKeys: UnknownKeys = .refused, misplaced: [String: String] = [:],
    rules: [@Sendable (Root, JSONNode, inout ProblemList) -> Void] = []
  ) {
    self.keys = keys
    self.unknownKeys = unknownKeys
    self.misplaced = misplaced
    self.rules = rules
  }

  /// Names of the keys that do something.
  public var supportedKeys: [String] { keys.filter(\.isSupported).map(\.name) }

  /// Reads an object into `root`, which holds the defaults; notes every problem.
  /// - Returns: whether the node is an object without errors.
  @discardableResult
  public func read(_ node: JSONNode, into root: inout Root, _ problems: inout ProblemList) -> Bool {
    guard let members = node.members else {
      problems.error("found \(node.summary); expected an object", at: node)
      return false
    }
    let errorCount = problems.errors.count
    for key in keys {
      if let member = members.first(where: { $0.key == key.name }) {
        key.read(member, &root, &problems)
      } else if key.isRequired {
        problems.error("the key \"\(key.name)\" is missing", at: node)
      }
    }
    let names = keys.map(\.name)
    for member in members where !names.contains(member.key) { noteUnknown(member, names, &problems) }
    // Rules speak of values; they would only repeat what is wrong with a value that could not be read.
    if problems.errors.count == errorCount {
      for rule in rules { rule(root, node, &problems) }
    }
    return problems.errors.count == errorCount
  }

  /// Writes a structure as an object, with every value that is set.
  public func write(_ root: Root) -> JSONValue {
    .object(keys.compactMap { key in key.write(root).map { JSONValue.Member(key.name, $0) } })
  }

  /// The object as a value of another, starting from `defaults`.
  public func rule(defaults: @autoclosure @escaping @Sendable () -> Root) -> ValueRule<Root> {
    ValueRule(
      expecting: "an object",
      read: { node, problems in
        var root = defaults()
        return read(node, into: &root, &problems) ? root : nil
      },
      write: { write($0) })
  }

  private func noteUnknown(_ member: JSONMember, _ names: [String], _ problems: inout ProblemList) {
    let nearest = misplaced[member.key] == nil ? NearestWord.to(member.key, among: names) : nil
    let hint =
      misplaced[member.key] ?? nearest.map { "did you mean \"\($0)\"?" }
      ?? (unknownKeys == .refused ? "the keys here are \(supportedKeys.joined(separator: ", "))" : nil)
    let key = JSONValue.string(String(member.key.prefix(60))).text(.oneLine)
    // A slip of the hand in a key that would do something is a fault even where foreign keys may stand: without it a run would do something else.
    if unknownKeys == .refused || nearest != nil {
      problems.error("unknown key \(key)\(hint.map { "; \($0)" } ?? "")", at: member)
    } else {
      problems.warning("the key \(key) has no effect\(hint.map { "; \($0)" } ?? "")", at: member)
    }
  }
}
