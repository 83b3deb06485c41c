import QATGraph
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
  /// - Throws: `ONNXError` when the type is missing or not a float tensor, or a dimension other than the first is not fixed.
  static func type(of input: ONNXValueInfoProto, literalBatch: Int?) throws(ONNXError) -> TensorType {
    let proto = input.type.tensorType
    guard !input.name.isEmpty else { throw ONNXError("an input has no name") }
    guard input.type.hasTensorType, proto.hasShape else { throw ONNXError(tensor: input.name, "the input has no tensor type and shape") }
    switch ONNXTensorProto.DataType(rawValue: Int(proto.elemType)) {
    case .float, .float16, .bfloat16, .double: break
    case let type: throw ONNXError(tensor: input.name, "the input has the element type \(type ?? .undefined), supported are floating-point inputs")
    }
    var dimensions: [Dimension] = []
    for (axis, dimension) in proto.shape.dim.enumerated() {
      switch dimension.value {
      case .dimValue(let size) where size > 0:
        dimensions.append(axis == 0 && proto.shape.dim.count > 1 && Int(size) == literalBatch ? .batch : .fixed(Int(size)))
      case .dimValue, .dimParam, nil:
        guard axis == 0 else {
          throw ONNXError(
            tensor: input.name, "dimension \(axis) of the input is \(described(dimension)); only the first may be: export with a fixed image size")
        }
        dimensions.append(.batch)
      }
    }
    guard dimensions.count <= 64, dimensions.boundedElementCount != nil else {
      throw ONNXError(tensor: input.name, "the input is too large: \(dimensions.prefix(8))")
    }
    return TensorType(dimensions)
  }

  private static func described(_ dimension: ONNXTensorShapeProto.Dimension) -> String {
    switch dimension.value {
    case .dimValue(let size): "\(size)"
    case .dimParam(let name): "dynamic ('\(name)')"
    case nil: "not given"
    }
  }
}
