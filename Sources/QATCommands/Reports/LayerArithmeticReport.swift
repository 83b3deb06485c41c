import QAT

/// Which convolutions and linear layers run forward on integers when the network trains, and why others do not.
struct LayerArithmeticReport {
  var layers: [LayerArithmetic]

  var text: String {
    let count = layers.count { $0.isInteger }
    let lines = layers.map { "  \($0.node): \($0.reasonForFloat.map { "float, because \($0)" } ?? "integers")" }
    return (["forward in training: \(count) of \(layers.count) layers on integers"] + lines).joined(separator: "\n")
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
