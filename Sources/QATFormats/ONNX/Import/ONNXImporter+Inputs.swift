import QATGraph
import QATImporting
import QATTensor

/// Types of the network's inputs.
extension ONNXImporter {
  /// The fixed first dimension that stands for the batch: the first image input's, or the first input's of rank 2 or more, unless it is dynamic.
  ///
  /// A file that was exported with a fixed batch of 1 is meant for any batch; `Reshape` targets that repeat the 1 are rewritten.
  static func literalBatch(_ inputs: [ONNXValueInfoProto]) -> Int? {
    let shapes = inputs.map { $0.type.tensorType.shape.dim }
    guard let first = (shapes.first { $0.count == 4 } ?? shapes.first { $0.count > 1 })?.first, case .dimValue(let size) = first.value, size > 0
    else {
      return nil
    }
    return Int(size)
  }

  /// The type of an input of the file.
  ///
  /// `given` are the dimensions that the user wants.
  /// - Throws: `ONNXError` when the type is missing or has no counterpart, a dimension other than the first is open, or `given` contradicts the file.
  static func type(of input: ONNXValueInfoProto, literalBatch: Int?, given: [Dimension]?) throws(ONNXError) -> TensorType {
    let proto = input.type.tensorType
    guard !input.name.isEmpty else { throw ONNXError("an input has no name") }
    guard input.type.hasTensorType, proto.hasShape else { throw ONNXError(tensor: input.name, "the input has no tensor type and shape") }
    let elementType = try elementType(of: input)
    if let given { return TensorType(try checked(given, for: input), elementType) }
    var dimensions: [Dimension] = []
    for (axis, dimension) in proto.shape.dim.enumerated() {
      switch dimension.value {
      case .dimValue(let size) where size > 0:
        dimensions.append(axis == 0 && proto.shape.dim.count > 1 && Int(size) == literalBatch ? .batch : .fixed(Int(size)))
      case .dimValue, .dimParam, nil:
        guard axis == 0 else { throw openDimensions(of: input) }
        dimensions.append(.batch)
      }
    }
    guard dimensions.count <= 64, dimensions.boundedElementCount != nil else {
      throw ONNXError(tensor: input.name, "the input is too large: \(dimensions.prefix(8))")
    }
    return TensorType(dimensions, elementType)
  }

  /// The error of an input that leaves more than the batch open, with what to do about it.
  private static func openDimensions(of input: ONNXValueInfoProto) -> ONNXError {
    let found = input.type.tensorType.shape.dim
    let example = found.enumerated().map { axis, dimension in
      if case .dimValue(let size) = dimension.value, size > 0 {
        "\(size)"
      } else {
        axis == 0 ? "1" : found.count != 4 ? "128" : axis == 1 ? "3" : "224"
      }
    }
    return ONNXError(
      tensor: input.name,
      "the input is [\(found.map(described).joined(separator: ", "))]; only the first dimension may be open: give the whole shape, the batch first, such as "
        + "--shape \(input.name):\(example.joined(separator: ",")), \"sample_size\" in the configuration's \"input_info\", or inputShapes in Swift, or export "
        + "with fixed sizes")
  }

  /// Networks compute in float32 whatever the width of the file's floating-point numbers.
  static func elementType(of input: ONNXValueInfoProto) throws(ONNXError) -> ElementType {
    switch ONNXTensorProto.DataType(rawValue: Int(input.type.tensorType.elemType)) {
    case .float, .float16, .bfloat16, .double: return .float32
    case .int64: return .int64
    case .int32: return .int32
    case .bool: return .bool
    case let type:
      throw ONNXError(
        tensor: input.name, "the input has the element type \(type ?? .undefined), supported are floating-point numbers, int32, int64 and bool")
    }
  }

  /// The dimensions that the user gives an input.
  private static func checked(_ given: [Dimension], for input: ONNXValueInfoProto) throws(ONNXError) -> [Dimension] {
    let found = input.type.tensorType.shape.dim
    let contradicts = zip(given, found).contains { dimension, proto in
      if case .fixed(let size) = dimension, case .dimValue(let own) = proto.value, own > 0 { Int64(size) != own } else { false }
    }
    guard given.count == found.count, !contradicts else {
      throw ONNXError(tensor: input.name, "the shape \(given) is given for it, the file says [\(found.map(described).joined(separator: ", "))]")
    }
    guard given.count <= 64, given.boundedElementCount != nil, !given.contains(0) else {
      throw ONNXError(tensor: input.name, "the shape \(given.prefix(8)) is given for it, expected sizes above 0 that are not too large")
    }
    return given
  }

  private static func described(_ dimension: ONNXTensorShapeProto.Dimension) -> String {
    switch dimension.value {
    case .dimValue(let size): "\(size)"
    case .dimParam(let name): "dynamic ('\(name)')"
    case nil: "not given"
    }
  }
}
