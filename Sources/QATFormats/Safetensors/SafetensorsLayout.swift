import QATTensor

/// Where everything lies in a safetensors file of given tensors, so that a file whose values change again and again is laid out once.
///
/// The header lists metadata and tensors by name, in the order of their UTF-8 bytes, and is padded with spaces to a multiple of 8. The elements lie
/// in the same order within each element size, larger elements first, so that every tensor is aligned to its elements.
public struct SafetensorsLayout: Sendable {
  /// What the file begins with: the header's length and the header.
  public let header: [UInt8]
  /// Each tensor's bytes in the file, by name.
  public let ranges: [String: Range<Int>]
  /// Size of the file.
  public let byteCount: Int

  /// The layout of a file.
  /// - Parameters:
  ///   - tensors: name, element type and shape of each tensor; the order does not matter.
  ///   - metadata: strings by key.
  /// - Throws: `SafetensorsError` when two tensors have one name, one is named `__metadata__`, or the header exceeds `Safetensors.maximumHeaderByteCount`.
  public init(_ tensors: [(name: String, elementType: ElementType, shape: [Int])], metadata: [String: String] = [:]) throws {
    let named = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    var offsets: [String: Range<Int>] = [:]
    var position = 0
    for width in [8, 4, 1] {
      for tensor in named where tensor.elementType.byteCount == width {
        let end = position + tensor.shape.elementCount * width
        guard offsets.updateValue(position..<end, forKey: tensor.name) == nil else {
          throw SafetensorsError(tensor: tensor.name, "there are two tensors of this name")
        }
        position = end
      }
    }
    guard offsets["__metadata__"] == nil else {
      throw SafetensorsError(tensor: "__metadata__", "the format keeps this name for itself; name the tensor otherwise")
    }

    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      fields.append("\"__metadata__\":{" + pairs.map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }.joined(separator: ",") + "}")
    }
    for tensor in named {
      guard let range = offsets[tensor.name] else { continue }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let type = Self.elementName(tensor.elementType)
      fields.append(
        "\(Self.quoted(tensor.name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}")
    }
    var text = Array("{\(fields.joined(separator: ","))}".utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    guard text.count <= Safetensors.maximumHeaderByteCount else {
      throw SafetensorsError(
        "the names and metadata take \(text.count) bytes, more than the \(Safetensors.maximumHeaderByteCount) the format allows")
    }
    let header = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
    self.header = header
    ranges = offsets.mapValues { $0.lowerBound + header.count..<$0.upperBound + header.count }
    byteCount = header.count + position
  }

  private static func elementName(_ type: ElementType) -> String {
    switch type {
    case .float32: "F32"
    case .float64: "F64"
    case .int8: "I8"
    case .uint8: "U8"
    case .int32: "I32"
    case .int64: "I64"
    case .bool: "BOOL"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20: result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
