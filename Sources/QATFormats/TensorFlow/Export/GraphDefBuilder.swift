import Foundation
import QATGraph
import QATTensor
import SwiftProtobuf

/// Puts a frozen graph together, node by node. What is added first is written first, so equal calls give equal bytes.
struct GraphDefBuilder {
  private var graph = TFGraphDef()
  private var names = UniqueNames()

  /// A name made of `candidate` that TensorFlow allows and no node has; taken from now on.
  mutating func uniqueName(_ candidate: String) -> String { names.next(Self.allowed(candidate)) }

  /// The name with every character that TensorFlow does not allow replaced.
  private static func allowed(_ name: String) -> String {
    let characters = name.unicodeScalars.map { scalar -> Character in
      let isAllowed = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "_.-/\\>".unicodeScalars.contains(scalar))
      return isAllowed ? Character(scalar) : "_"
    }
    guard let first = characters.first else { return "unnamed" }
    return (first.isLetter || first.isNumber || first == "." ? "" : "n") + String(characters)
  }

  /// Adds a node under exactly this name.
  mutating func node(_ type: String, name: String, _ inputs: [String], _ attributes: [TFAttrEntry] = []) {
    var node = TFNodeDef()
    node.name = name
    node.op = type
    node.input = inputs
    node.attr = attributes
    graph.node.append(node)
  }

  /// Adds a constant under exactly this name.
  mutating func constant(_ tensor: Tensor, name: String) {
    node("Const", name: name, [], [.type("dtype", tensor.elementType.tensorFlowType), .tensor("value", tensor)])
  }

  /// The bytes of the file.
  /// - Throws: `TensorFlowError` when the graph exceeds the 2 GiB that a protobuf file can hold.
  func encoded() throws(TensorFlowError) -> Data {
    var graph = graph
    // That of TensorFlow 2.17: what is written here all later versions read, and most earlier ones.
    graph.versions.producer = 1882
    do {
      return try graph.serializedBytes()
    } catch {
      throw TensorFlowError("the graph is too large for one file (2 GiB): \(error)")
    }
  }
}

extension ElementType {
  /// TensorFlow's number for the type.
  var tensorFlowType: TFDataType {
    switch self {
    case .float32: .dtFloat
    case .float64: .dtDouble
    case .int8: .dtInt8
    case .uint8: .dtUint8
    case .int32: .dtInt32
    case .int64: .dtInt64
    case .bool: .dtBool
    }
  }
}

/// Attributes of nodes.
extension TFAttrEntry {
  private static func make(_ key: String, _ value: TFAttrValue.OneOf_Value) -> TFAttrEntry {
    var entry = TFAttrEntry()
    entry.key = key
    entry.value.value = value
    return entry
  }

  static func type(_ key: String, _ type: TFDataType) -> TFAttrEntry { make(key, .type(type)) }
  static func int(_ key: String, _ value: Int) -> TFAttrEntry { make(key, .i(Int64(value))) }
  static func float(_ key: String, _ value: Float) -> TFAttrEntry { make(key, .f(value)) }
  static func flag(_ key: String, _ value: Bool) -> TFAttrEntry { make(key, .b(value)) }
  static func string(_ key: String, _ value: String) -> TFAttrEntry { make(key, .s(Data(value.utf8))) }

  static func ints(_ key: String, _ values: [Int]) -> TFAttrEntry {
    var list = TFAttrValue.ListValue()
    list.i = values.map(Int64.init)
    return make(key, .list(list))
  }

  /// Dimensions; those of the batch are open.
  static func shape(_ key: String, _ dimensions: [QATGraph.Dimension]) -> TFAttrEntry {
    make(key, .shape(TFTensorShapeProto(dimensions.map { $0.fixedSize ?? -1 })))
  }

  static func tensor(_ key: String, _ tensor: Tensor) -> TFAttrEntry {
    var proto = TFTensorProto()
    proto.dtype = tensor.elementType.tensorFlowType
    proto.tensorShape = TFTensorShapeProto(tensor.shape)
    proto.tensorContent =
      switch tensor.elements {
      case .float32(let values): values.withUnsafeBytes { Data($0) }
      case .float64(let values): values.withUnsafeBytes { Data($0) }
      case .int8(let values): values.withUnsafeBytes { Data($0) }
      case .uint8(let values): values.withUnsafeBytes { Data($0) }
      case .int32(let values): values.withUnsafeBytes { Data($0) }
      case .int64(let values): values.withUnsafeBytes { Data($0) }
      case .bool(let values): Data(values.map { $0 ? 1 : 0 })
      }
    return make(key, .tensor(proto))
  }
}

extension TFTensorShapeProto {
  /// A shape, −1 for what is open.
  init(_ sizes: [Int]) {
    self.init()
    dim = sizes.map { size in
      var dimension = Dim()
      dimension.size = Int64(size)
      return dimension
    }
  }
}
