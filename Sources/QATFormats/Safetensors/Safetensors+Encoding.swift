import QATTensor

extension Safetensors {
  /// The bytes of a safetensors file, laid out as `SafetensorsLayout` says. Equal tensors and metadata give equal bytes.
  /// - Parameters:
  ///   - tensors: tensors by name.
  ///   - metadata: strings by key.
  /// - Returns: the whole file.
  /// - Throws: `SafetensorsError` when a tensor is named `__metadata__` or the header exceeds `maximumHeaderByteCount`.
  public static func encode(_ tensors: [String: Tensor], metadata: [String: String] = [:]) throws -> [UInt8] {
    let layout = try SafetensorsLayout(tensors.map { ($0.key, $0.value.elementType, $0.value.shape) }, metadata: metadata)
    return [UInt8](unsafeUninitializedCapacity: layout.byteCount) { buffer, count in
      let file = UnsafeMutableRawBufferPointer(buffer)
      file.copyBytes(from: layout.header)
      for (name, range) in layout.ranges {
        tensors[name]?.elements.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: file[range]).copyMemory(from: $0) }
      }
      count = layout.byteCount
    }
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
