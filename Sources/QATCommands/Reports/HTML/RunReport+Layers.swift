import QAT

/// Every layer: its quantizers, what they do to values, and where it runs on integers.
extension RunReport {
  /// The table of layers; empty for an fp32 network.
  var layers: String {
    guard let facts, !facts.layers.isEmpty else { return "" }
    let quantizers = Dictionary(QuantizerReport.all(in: facts.graph).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let alone = Dictionary(facts.sensitivity?.layers.map { ($0.layer.name, $0.effect) } ?? [], uniquingKeysWith: { first, _ in first })
    let rows = facts.layers.map { layer in
      var cells = ["<th scope=\"row\">\(Self.breakable(layer.name))<small>\(layer.type.escapedForXML)</small></th>"]
      cells += self.cells(layer.weights.compactMap { quantizers[$0] })
      cells += self.cells(layer.activations.compactMap { quantizers[$0] })
      cells.append(Self.decibels([facts.noise.layers[layer.name]?.decibels].compactMap { $0 }))
      if let float = facts.sensitivity?.float {
        cells.append(alone[layer.name].map { effect in "<td>\(Self.cost(of: effect, float))</td>" } ?? "<td></td>")
      }
      cells.append("<td class=\"badges\">\(badges(layer.name, facts))</td>")
      return "<tr>\(cells.joined())</tr>"
    }
    let (group, column) =
      facts.sensitivity == nil ? ("", "") : ("<th></th>", "<th title=\"top-1 and loss when this layer alone is quantized\">alone</th>")
    let four = "<th>bits</th><th>range</th><th>SQNR</th><th>clipped</th>"
    return """
      <section class="wide"><h2>Layers</h2>
      <p class="note">\(explanation(facts))</p>
      <div class="scroll"><table class="layers"><thead>
      <tr><th></th><th colspan="4">weights</th><th colspan="4">activations read</th><th>result</th>\(group)<th></th></tr>
      <tr><th>layer</th>\(four)\(four)<th>SQNR</th>\(column)<th>INT8 in</th></tr>
      </thead><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table></div></section>
      """
  }

  private func explanation(_ facts: NetworkFacts) -> String {
    let samples = facts.noise.sampleCount
    let measured = samples > 0 ? "Measured on \(samples) samples. " : "Weights only: there were no samples to measure activations on. "
    return measured
      + "SQNR is the power of the values over that of the quantization error, in decibels; clipped is the share of values beyond the range; "
      + "the result's SQNR compares a layer's output with that of the same network without quantizers."
  }

  /// Bits, range, noise and clipping of the quantizers of a layer, one below the other.
  private func cells(_ quantizers: [QuantizerReport]) -> [String] {
    guard let facts, !quantizers.isEmpty else { return [String](repeating: "<td></td>", count: 4) }
    func lines(_ text: (QuantizerReport) -> String?) -> String { quantizers.map { "<div>\(text($0) ?? "–")</div>" }.joined() }
    let measured = quantizers.map { facts.noise.quantizers[$0.id] }
    return [
      "<td title=\"\(quantizers.map(\.summary).joined(separator: "\n").escapedForXML)\">\(lines { "\($0.quantizer.bits)" })</td>",
      "<td class=\"range\">\(lines { $0.bounds.map { "\(Self.bound($0.low)) … \(Self.bound($0.high))" } })</td>",
      Self.decibels(measured.compactMap { $0?.noise.decibels }),
      "<td>\(measured.map { "<div>\($0.map { Self.share($0.clippedShare) } ?? "–")</div>" }.joined())</td>",
    ]
  }

  /// A cell of decibels, each with a bar from 0 to 60 below it.
  private static func decibels(_ values: [Double]) -> String {
    if values.isEmpty { return "<td>–</td>" }
    let lines = values.map { value in
      let part = value.isFinite ? min(max(value / 60, 0), 1) : value > 0 ? 1 : 0
      return "<div>\(Numbers.decibels(value))<i class=\"bar\" style=\"--part:\(Numbers.fixed(100 * part, 1))%\"></i></div>"
    }
    return "<td>\(lines.joined())</td>"
  }

  private static func bound(_ value: Double) -> String {
    let text = abs(value) >= 1000 || value != 0 && abs(value) < 0.001 ? Numbers.short(abs(value)) : Numbers.fixed(abs(value), 3)
    return value < 0 ? "−\(text)" : text
  }

  private static func share(_ value: Double) -> String { value == 0 ? "0" : value < 0.0001 ? "&lt;0.01 %" : Numbers.percent(value) }

  private static func cost(of effect: Sensitivity.Effect, _ float: Sensitivity.Effect) -> String {
    guard let top1 = effect.top1, let exact = float.top1, let loss = effect.loss, let exactLoss = float.loss else {
      return Numbers.percent(effect.agreement)
    }
    return "\(Numbers.signed(100 * (top1 - exact), 2))<small>loss \(Numbers.signed(loss - exactLoss, 4))</small>"
  }

  private func badges(_ name: String, _ facts: NetworkFacts) -> String {
    Runtime.withIntegerKernels.map { runtime in
      let isInteger = facts.integerOperators[runtime]?.contains(name) ?? false
      let reason = facts.floatOperators.first { $0.name == name }?.reason ?? "the runtime computes it in floating point"
      let title = isInteger ? "\(runtime.name) computes it on integers" : "\(runtime.name): \(reason)"
      return "<span class=\"badge \(isInteger ? "on" : "off")\" title=\"\(title.escapedForXML)\">\(runtime == .onnxRuntime ? "ORT" : "OV")</span>"
    }.joined()
  }

  /// Long names may break behind dots and slashes.
  private static func breakable(_ name: String) -> String {
    name.escapedForXML.replacing("/", with: "/<wbr>").replacing(".", with: ".<wbr>")
  }

  /// What stays in floating point, with the reason.
  var floatOperators: String {
    guard let facts else { return "" }
    if facts.floatOperators.isEmpty { return "<section><h2>In floating point</h2><p class=\"note\">Nothing.</p></section>" }
    let rows = facts.floatOperators.map { layer in
      "<tr><th scope=\"row\">\(Self.breakable(layer.name))<small>\(layer.type.escapedForXML)</small></th><td class=\"text\">\(layer.reason.escapedForXML)</td></tr>"
    }
    return "<section><h2>In floating point</h2><table class=\"narrow\"><tbody>\(rows.joined(separator: "\n"))</tbody></table></section>"
  }
}
