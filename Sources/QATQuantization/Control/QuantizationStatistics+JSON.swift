import QATJSON

extension QuantizationStatistics {
  /// The same numbers as an object: counts, bytes and edges.
  public var json: JSONValue {
    [
      "enabled_percentage": .number(enabledPercentage), "weights": weights.json, "activations": activations.json,
      "bit_widths": .array(
        bitWidths.map { ["bits": .integer($0.bits), "weights": .integer($0.weights), "activations": .integer($0.activations)] }),
      "memory": [
        "float_weight_bytes": bytes(memory.floatWeightBits), "quantized_weight_bytes": bytes(memory.quantizedWeightBits),
        "largest_float_activation_bytes": bytes(memory.largestFloatActivationBits),
        "largest_quantized_activation_bytes": bytes(memory.largestQuantizedActivationBits),
        "weight_decrease_factor": .number(memory.weightDecreaseFactor),
      ],
      "data_path": ["quantized_edges": .integer(dataPath.quantizedEdges), "edges": .integer(dataPath.edges)],
    ]
  }

  /// Weights of a few bits are packed; a last byte may be partly filled.
  private func bytes(_ bits: Int) -> JSONValue { .integer((bits + 7) / 8) }
}

extension QuantizationStatistics.Share {
  fileprivate var json: JSONValue {
    [
      "total": .integer(total), "symmetric": .integer(symmetric), "asymmetric": .integer(asymmetric), "signed": .integer(signed),
      "unsigned": .integer(unsigned), "per_tensor": .integer(perTensor), "per_channel": .integer(perChannel), "potential": .integer(potential),
    ]
  }
}
