import Foundation

/// Attributes of nodes, written with the type that readers ask for.
extension ONNXAttributeProto {
  /// An INT attribute.
  static func int(_ name: String, _ value: Int) -> ONNXAttributeProto {
    make(name, .int) { $0.i = Int64(value) }
  }

  /// An INT attribute that is 0 or 1.
  static func flag(_ name: String, _ value: Bool) -> ONNXAttributeProto { int(name, value ? 1 : 0) }

  /// An INTS attribute.
  static func ints(_ name: String, _ values: [Int]) -> ONNXAttributeProto {
    make(name, .ints) { $0.ints = values.map(Int64.init) }
  }

  /// A FLOAT attribute.
  static func float(_ name: String, _ value: Float) -> ONNXAttributeProto {
    make(name, .float) { $0.f = value }
  }

  /// A STRING attribute.
  static func string(_ name: String, _ value: String) -> ONNXAttributeProto {
    make(name, .string) { $0.s = Data(value.utf8) }
  }

  private static func make(_ name: String, _ type: AttributeType, _ fill: (inout ONNXAttributeProto) -> Void) -> ONNXAttributeProto {
    var attribute = ONNXAttributeProto()
    attribute.name = name
    attribute.type = type
    fill(&attribute)
    return attribute
  }
}
