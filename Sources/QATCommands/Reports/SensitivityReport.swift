import QAT

extension Sensitivity {
  /// What `--json` shows.
  var json: JSONValue {
    [
      "count": .integer(sampleCount), "fp32": float.json, "quantized": quantized.json,
      "layers": .array(
        layers.map { layer in
          guard case .object(let effect) = layer.effect.json else { return .null }
          return .object(
            [
              .init("name", .string(layer.layer.name)), .init("type", .string(layer.layer.type)),
              .init("quantizers", .array(layer.layer.quantizers.map(JSONValue.string))),
            ] + effect)
        }),
    ]
  }

  /// For people: the costliest layer first.
  var text: String {
    let hasLabels = float.loss != nil
    var table = TextTable(["quantized alone", "operator", "agreement"] + (hasLabels ? ["top-1", "loss"] : []) + ["output SQNR"])
    func row(_ name: String, _ type: String, _ effect: Effect) {
      var cells = [name, type, Numbers.percent(effect.agreement)]
      if let top1 = effect.top1, let exactTop1 = float.top1, let loss = effect.loss, let exactLoss = float.loss {
        cells += [Numbers.signed(100 * (top1 - exactTop1), 2), Numbers.signed(loss - exactLoss, 5)]
      }
      table.add(cells + [Numbers.decibels(effect.outputNoise.decibels) + " dB"])
    }
    for layer in layers { row(layer.layer.name, layer.layer.type, layer.effect) }
    row("all of them", "", quantized)
    var lines = [table.text, ""]
    if let top1 = float.top1, let loss = float.loss {
      lines.append("fp32: top-1 \(Numbers.percent(top1)), loss \(Numbers.fixed(loss, 5)); top-1 in points from there, loss likewise")
    }
    lines.append("on \(sampleCount) samples; agreement: the same class as the fp32 network")
    return lines.joined(separator: "\n")
  }
}

extension Sensitivity.Effect {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [.init("agreement", .number(agreement))]
    if let top1 { members.append(.init("top1", .number(top1))) }
    if let loss { members.append(.init("loss", .number(loss))) }
    return .object(members + [.init("output_sqnr_db", .number(outputNoise.decibels))])
  }
}
