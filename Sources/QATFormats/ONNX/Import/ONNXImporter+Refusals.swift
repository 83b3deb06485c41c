import QATGraph

/// What a file is refused for: one list, as complete as the file's own word on shapes allows.
extension ONNXImporter {
  /// Goes on behind a node that was refused, so that what stands there is judged as well.
  ///
  /// An output whose shape the file states is taken at its word; readers of any other output can only be judged by their attributes and their other inputs. What is computed from
  /// constants alone, and integers, would have had values: taken for anything else, they would make sound operators look wrong.
  mutating func goOn(behind node: ONNXImportNode) throws(ONNXError) {
    let readsNetwork = node.inputs.contains { isAssumed($0) || isComputed($0) }
    assumed.formUnion(node.outputs)
    for output in node.outputs where !output.isEmpty && !isKnown(output) {
      if readsNetwork, let type = statedType(of: output), type.elementType == .float32 {
        assembly.add(Graph.Input(name: output, type: type))
        try bind(output, to: .computed(output), node)
      } else {
        try bind(output, to: .unavailable, node)
      }
    }
  }

  /// Whether a tensor stands behind a node that was refused.
  func isAssumed(_ name: String) -> Bool { assumed.contains(name) }

  /// The type that the file states of a tensor in floating point; nil when it leaves a size open that is not the batch.
  private func statedType(of name: String) -> TensorType? {
    guard let info = stated[name], info.type.hasTensorType, info.type.tensorType.hasShape, (try? Self.elementType(of: info)) == .float32 else {
      return nil
    }
    let sizes = info.type.tensorType.shape.dim
    var dimensions: [Dimension] = []
    for (axis, size) in sizes.enumerated() {
      switch size.value {
      case .dimValue(let value) where value > 0:
        dimensions.append(axis == 0 && sizes.count > 1 && Int(value) == literalBatch ? .batch : .fixed(Int(value)))
      case .dimParam(let name) where axis == 0 && batchNames.contains(name): dimensions.append(.batch)
      default: return nil
      }
    }
    return dimensions.count <= 64 && dimensions.boundedElementCount != nil ? TensorType(dimensions, .float32) : nil
  }

  /// Why operators that are known well are not read.
  static let refusals: [String: String] = [
    "DynamicQuantizeLinear": dynamic, "DynamicQuantizeMatMul": dynamic, "DynamicQuantizeLSTM": dynamic, "ConvInteger": integer,
    "MatMulInteger": integer,
    "MatMulIntegerToFloat": integer, "If": control, "Loop": control, "Scan": control, "LSTM": recurrent, "GRU": recurrent, "RNN": recurrent,
    "NonMaxSuppression": counting, "Unique": counting, "Compress": counting, "RandomNormal": random, "RandomNormalLike": random,
    "RandomUniform": random, "RandomUniformLike": random, "Bernoulli": random, "Multinomial": random,
  ]

  private static let dynamic =
    "it quantizes by the range of each batch, which leaves nothing to train: start from the fp32 model, or one quantized statically"
  private static let integer =
    "it multiplies integers without scales, which dynamic quantization makes: start from the fp32 model, or one quantized statically"
  private static let control = "what a network computes is fixed before it runs: export the model so that conditions and loops are resolved"
  private static let recurrent = "recurrent layers are not trained here"
  private static let counting = "how many elements it gives depends on numbers: leave this tail of the network out of the export"
  private static let random = "random numbers in a network are not reproduced: export the model in evaluation mode"
}
