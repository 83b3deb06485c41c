import Foundation

/// A user's own objects in a checkpoint, beside the tensors: `objects.json`, one member an object.
public struct CheckpointObjects: Sendable, Hashable {
  /// The file of a checkpoint's folder.
  static let fileName = "objects.json"

  let json: Data

  /// None.
  public init() { json = Data("{}".utf8) }

  /// Objects by name. Equal objects are equal bytes.
  /// - Throws: `EncodingError` when one cannot be written as JSON.
  public init(_ objects: [String: any Encodable & Sendable]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    json = try encoder.encode(Members(objects: objects))
  }

  init(json: Data) { self.json = json }

  /// Whether there are none.
  public var isEmpty: Bool { self == CheckpointObjects() }

  /// Reads one object.
  /// - Parameters:
  ///   - name: its name.
  ///   - type: what it was.
  /// - Returns: the object.
  /// - Throws: `TrainingError` when there is none of that name, or it is of another type.
  public func object<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws(TrainingError) -> Value {
    let decoder = JSONDecoder()
    decoder.userInfo = [.objectName: name]
    do {
      return try decoder.decode(Member<Value>.self, from: json).value
    } catch {
      throw TrainingError(.checkpoint, "the checkpoint's object '\(name)' cannot be read as \(Value.self): \(error)")
    }
  }

  private struct Members: Encodable {
    let objects: [String: any Encodable]

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: ObjectName.self)
      for (name, object) in objects { try object.encode(to: container.superEncoder(forKey: ObjectName(stringValue: name))) }
    }
  }

  private struct Member<Value: Decodable>: Decodable {
    let value: Value

    init(from decoder: any Decoder) throws {
      let name = decoder.userInfo[.objectName] as? String ?? ""
      value = try decoder.container(keyedBy: ObjectName.self).decode(Value.self, forKey: ObjectName(stringValue: name))
    }
  }
}

private struct ObjectName: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension CodingUserInfoKey {
  fileprivate static var objectName: CodingUserInfoKey {
    // The initialiser fails for no name.
    guard let key = CodingUserInfoKey(rawValue: "swift-qat.objectName") else { preconditionFailure("a name of a key") }
    return key
  }
}
