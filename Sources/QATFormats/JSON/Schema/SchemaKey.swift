/// One key of an object: its name, how its value is read into a structure, and how it is written from there.
public struct SchemaKey<Root: Sendable>: Sendable {
  /// The key.
  public var name: String
  /// Whether the key must be there.
  public var isRequired = false
  /// Whether this version does something with the key; the others are known only to be refused with a reason.
  public var isSupported = true
  /// Reads the member into the structure; notes what is wrong.
  public var read: @Sendable (JSONMember, inout Root, inout ProblemList) -> Void
  /// The value to write; nil when there is none.
  public var write: @Sendable (Root) -> JSONValue?

  /// A key from its parts.
  public init(
    _ name: String, read: @escaping @Sendable (JSONMember, inout Root, inout ProblemList) -> Void,
    write: @escaping @Sendable (Root) -> JSONValue?
  ) {
    self.name = name
    self.read = read
    self.write = write
  }

  /// A key whose value fills a property.
  public init<Value>(_ name: String, _ property: any WritableKeyPath<Root, Value> & Sendable, _ rule: ValueRule<Value>) {
    self.init(
      name,
      read: { member, root, problems in
        if let value = rule.read(member.value, &problems) { root[keyPath: property] = value }
      },
      write: { rule.write($0[keyPath: property]) })
  }

  /// A key whose value fills a property that is nil while the key is absent.
  public init<Value>(_ name: String, optional property: any WritableKeyPath<Root, Value?> & Sendable, _ rule: ValueRule<Value>) {
    self.init(
      name,
      read: { member, root, problems in
        if let value = rule.read(member.value, &problems) { root[keyPath: property] = value }
      },
      write: { $0[keyPath: property].flatMap(rule.write) })
  }

  /// A key that exists elsewhere, with what to say to who uses it here.
  /// - Parameters:
  ///   - name: the key.
  ///   - reason: completes a sentence that starts with the key, such as "is known to NNCF but not supported by this version".
  ///   - harmless: whether a value asks for nothing, so that it may stand.
  /// - Returns: the key.
  public static func refused(_ name: String, _ reason: String, unless harmless: @escaping @Sendable (JSONNode) -> Bool = { _ in false }) -> SchemaKey
  {
    var key = SchemaKey(
      name,
      read: { member, _, problems in
        if !harmless(member.value) { problems.error("\"\(name)\" \(reason)", at: member) }
      },
      write: { _ in nil })
    key.isSupported = false
    return key
  }

  /// A key that is checked but changes nothing; says so in a warning.
  public static func ineffective<Value>(_ name: String, _ reason: String, _ rule: ValueRule<Value>) -> SchemaKey {
    SchemaKey(
      name,
      read: { member, _, problems in
        if rule.read(member.value, &problems) != nil { problems.warning("\"\(name)\" has no effect: \(reason)", at: member) }
      },
      write: { _ in nil })
  }

  /// The same key for a structure that holds this one.
  public func within<Outer: Sendable>(_ property: any WritableKeyPath<Outer, Root> & Sendable) -> SchemaKey<Outer> {
    var key = SchemaKey<Outer>(
      name,
      read: { member, outer, problems in self.read(member, &outer[keyPath: property], &problems) },
      write: { self.write($0[keyPath: property]) })
    key.isRequired = isRequired
    key.isSupported = isSupported
    return key
  }

  /// The same key, written only where a condition holds: elsewhere it has no effect, and reading it back would warn of that.
  public func shown(where condition: @escaping @Sendable (Root) -> Bool) -> SchemaKey {
    var key = self
    key.write = { condition($0) ? self.write($0) : nil }
    return key
  }

  /// The same key, which must be there.
  public var required: SchemaKey {
    var key = self
    key.isRequired = true
    return key
  }
}
