import QATTensor

extension Safetensors {
  /// The bytes of a safetensors file. Equal tensors and metadata give equal bytes.
  ///
  /// The header lists metadata and tensors by name, in the order of their UTF-8 bytes, and is padded with spaces to a multiple of 8. The elements lie
  /// in the same order within each element size, larger elements first, so that every tensor is aligned to its elements.
  /// - Parameters:
  ///   - tensors: tensors by name.
  ///   - metadata: strings by key.
  /// - Returns: the whole file.
  /// - Throws: `SafetensorsError` when a tensor is named `__metadata__` or the header exceeds `maximumHeaderByteCount`.
  public static func encode(_ tensors: [String: Tensor], metadata: [String: String] = [:]) throws -> [UInt8] {
    if tensors["__metadata__"] != nil {
      throw SafetensorsError(tensor: "__metadata__", "the format keeps this name for itself; name the tensor otherwise")
    }
    let names = tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var placed: [(name: String, tensor: Tensor)] = []
    for width in [8, 4, 1] {
      for name in names {
        if let tensor = tensors[name], tensor.elementType.byteCount == width { placed.append((name, tensor)) }
      }
    }
    var offsets: [String: Range<Int>] = [:]
    var position = 0
    for (name, tensor) in placed {
      let end = position + tensor.count * tensor.elementType.byteCount
      offsets[name] = position..<end
      position = end
    }

    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      fields.append("\"__metadata__\":{" + pairs.map { "\(quoted($0.key)):\(quoted($0.value))" }.joined(separator: ",") + "}")
    }
    for name in names {
      guard let tensor = tensors[name], let range = offsets[name] else { continue }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let type = elementName(tensor.elementType)
      fields.append("\(quoted(name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}")
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    guard header.count <= maximumHeaderByteCount else {
      throw SafetensorsError("the names and metadata take \(header.count) bytes, more than the \(maximumHeaderByteCount) the format allows")
    }

    let total = 8 + header.count + position
    return [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
      var rest = UnsafeMutableRawBufferPointer(buffer)[...]
      withUnsafeBytes(of: UInt64(header.count).littleEndian) { append($0, to: &rest) }
      header.withUnsafeBytes { append($0, to: &rest) }
      for (_, tensor) in placed { tensor.elements.withUnsafeBytes { append($0, to: &rest) } }
      count = total
    }
  }

  private static func append(_ bytes: UnsafeRawBufferPointer, to rest: inout Slice<UnsafeMutableRawBufferPointer>) {
    UnsafeMutableRawBufferPointer(rebasing: rest.prefix(bytes.count)).copyMemory(from: bytes)
    rest = rest.dropFirst(bytes.count)
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

extension Tensor.Elements {
  /// Lends the elements as bytes, in the machine's order, which is little-endian like the format's.
  fileprivate func withUnsafeBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
    switch self {
    case .float32(let values): values.withUnsafeBytes(body)
    case .float64(let values): values.withUnsafeBytes(body)
    case .int8(let values): values.withUnsafeBytes(body)
    case .uint8(let values): values.withUnsafeBytes(body)
    case .int32(let values): values.withUnsafeBytes(body)
    case .int64(let values): values.withUnsafeBytes(body)
    case .bool(let values): values.withUnsafeBytes(body)
    }
  }
}
