import QAT

/// Which convolutions run forward on integers when the network trains, and why others do not.
struct LayerArithmeticReport {
  var layers: [LayerArithmetic]

  var text: String {
    let count = layers.count { $0.isInteger }
    let lines = layers.map { "  \($0.node): \($0.reasonForFloat.map { "float, because \($0)" } ?? "integers")" }
    return (["forward in training: \(count) of \(layers.count) convolutions on integers"] + lines).joined(separator: "\n")
  }

  var json: JSONValue {
    .array(
      layers.map { layer in
        var members: [JSONValue.Member] = [
          .init("name", .string(layer.node)), .init("arithmetic", .string(layer.isInteger ? "integer" : "float")),
        ]
        if let reason = layer.reasonForFloat { members.append(.init("reason", .string(reason))) }
        return .object(members)
      })
  }
}
