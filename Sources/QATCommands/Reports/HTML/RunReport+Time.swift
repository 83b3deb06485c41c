import QAT

/// Where the time of a step goes.
extension RunReport {
  /// A bar of the kinds of work within a step, and what of the exchange between ranks was not hidden behind it.
  var time: String {
    guard let timing = results.timing, timing.stepSeconds > 0 else { return "" }
    let kinds: [WorkPhase] = [.reading, .forward, .backward, .exchanging, .updating]
    let parts = kinds.map { (name: $0.words, seconds: timing.phases[$0.words] ?? 0) }
    let total = parts.reduce(0) { $0 + $1.seconds }
    guard total > 0 else { return "" }
    let steps = Double(max(history.steps.count, 1))
    let pieces = parts.enumerated().map { index, part in
      "<span class=\"p\(index)\" style=\"width:\(Numbers.fixed(100 * part.seconds / total, 3))%\"></span>"
    }
    let keys = parts.enumerated().map { index, part in
      "<li><i class=\"p\(index)\"></i>\(part.name.escapedForXML)<b>\(Numbers.fixed(1000 * part.seconds / steps, 2)) ms</b>"
        + "<small>\(Numbers.fixed(100 * part.seconds / total, 1)) %</small></li>"
    }
    var sentence = "Milliseconds of rank 0 in a step. "
    if record.rankCount > 1 {
      let share = timing.exposedCommunicationSeconds / timing.stepSeconds
      sentence +=
        "The exchange of gradients runs during the backward pass; \(Numbers.fixed(1000 * timing.exposedCommunicationSeconds / steps, 2)) ms of a step "
        + "(\(Numbers.percent(share))) were waited for it."
    } else {
      sentence += "One rank exchanges nothing."
    }
    return """
      <section><h2>Time of a step</h2><div class="stack">\(pieces.joined())</div>
      <ul class="keys">\(keys.joined(separator: "\n"))</ul><p class="note">\(sentence)</p></section>
      """
  }
}
