import QAT

/// One run on one page that needs nothing else: curves, accuracies, sizes, time, and every layer.
struct RunReport {
  /// The network's name.
  var title: String
  /// What the run was started with.
  var record: RunRecord
  /// Its steps and evaluations.
  var history: MetricsHistory
  /// What it has come to.
  var results: RunResults
  /// Size of the fp32 model's file.
  var floatBytes: Int?
  /// What there is to know of the quantized network; nil for an fp32 run.
  var facts: NetworkFacts?
  /// What should be said beside the numbers, one sentence each.
  var notes: [String] = []

  /// Samples that layers are measured on.
  static let sampleCount = 256

  /// The page.
  var html: String {
    let body = [header, networks, curves, time, files, layers, floatOperators, configuration].filter { !$0.isEmpty }
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
      <meta name="color-scheme" content="light dark">
      <link rel="icon" href="data:,">
      <title>\(title.escapedForXML) – run report</title>
      <style>
      \(Self.style)
      </style>
      </head>
      <body><main>
      \(body.joined(separator: "\n"))
      <footer>\(versions)</footer>
      </main></body>
      </html>

      """
  }

  private var versions: String {
    record.versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)".escapedForXML }.joined(separator: " · ")
  }

  private var header: String {
    var words = [record.configuration.nncf.quantization == nil ? "fp32 training" : "quantization-aware training"]
    if let data = record.configuration.data.train { words.append(data) }
    let ranks = record.rankCount
    words.append("\(Numbers.grouped(results.steps)) steps on \(ranks) \(ranks == 1 ? "rank" : "ranks")")
    if let timing = results.timing { words.append("\(Numbers.duration(timing.seconds)), \(Numbers.grouped(Int(timing.imagesPerSecond))) images/s") }
    let remarks = notes.map { "<p class=\"note\">\($0.escapedForXML)</p>" }.joined(separator: "\n")
    return "<header><h1>\(title.escapedForXML)</h1>\n<p>\(words.map(\.escapedForXML).joined(separator: " · "))</p>\n\(remarks)</header>"
  }

  // MARK: Accuracies and sizes

  /// One figure for each network of the run, with its distance from the first, and one for the size.
  private var networks: String {
    let first = results.networks.first?.metrics
    var cards = results.networks.map { network in
      let top1 = network.metrics["top1"]
      let main = top1.map(Numbers.percent) ?? network.metrics["loss"].map { Numbers.fixed($0, 4) } ?? "–"
      var details: [String] = []
      if let top1, let base = first?["top1"], results.networks.first != network {
        details.append("\(Numbers.signed(100 * (top1 - base), 2)) points")
      }
      if let loss = network.metrics["loss"], top1 != nil { details.append("loss \(Numbers.fixed(loss, 4))") }
      return Self.card(network.name, main, details)
    }
    if let floatBytes, floatBytes > 0, facts != nil, let smallest = results.files.map(\.bytes).min() {
      cards.append(
        Self.card(
          "size", "\(Numbers.fixed(100 * Double(smallest) / Double(floatBytes), 1)) %",
          ["\(Numbers.bytes(smallest)) of \(Numbers.bytes(floatBytes))"]))
    }
    if let agreement = facts?.noise.agreement {
      cards.append(Self.card("agreement", Numbers.percent(agreement), ["same class without quantizers", "\(facts?.noise.sampleCount ?? 0) samples"]))
    }
    return cards.isEmpty ? "" : "<section class=\"cards\">\(cards.joined(separator: "\n"))</section>"
  }

  private static func card(_ name: String, _ value: String, _ details: [String]) -> String {
    let lines = details.map { "<small>\($0.escapedForXML)</small>" }.joined()
    return "<div class=\"card\"><h3>\(name.escapedForXML)</h3><strong>\(value.escapedForXML)</strong>\(lines)</div>"
  }

  // MARK: Curves

  private var curves: String {
    func steps(_ value: (MetricsHistory.Step) -> Double?) -> [(x: Double, y: Double)] {
      history.steps.compactMap { step in value(step).map { (Double(step.step), $0) } }
    }
    func evaluations(_ name: String) -> [(x: Double, y: Double)] {
      history.evaluations.compactMap { evaluation in evaluation.metrics[name].map { (Double(evaluation.step), $0) } }
    }
    let charts = [
      LineChart(
        title: "Loss",
        curves: [
          .init(name: "training", points: steps { $0.loss }, color: 0, isNoisy: true),
          .init(name: "validation", points: evaluations("loss"), color: 1, isMarked: true),
        ]),
      LineChart(
        title: "Top-1",
        curves: [
          .init(name: "training", points: steps { $0.top1.map { 100 * $0 } }, color: 0, isNoisy: true),
          .init(name: "validation", points: evaluations("top1").map { ($0.x, 100 * $0.y) }, color: 1, isMarked: true),
        ], format: { Numbers.fixed($0, 2) + " %" }),
      LineChart(title: "Learning rate", curves: [.init(name: "of the step", points: steps { $0.rate }, color: 0)]),
      LineChart(
        title: "Images a second", curves: [.init(name: "all ranks", points: steps { $0.imagesPerSecond }, color: 0, isNoisy: true)],
        format: { Numbers.grouped(Int($0)) }),
    ].map(\.html).filter { !$0.isEmpty }
    return charts.isEmpty ? "" : "<section><h2>Training</h2><div class=\"charts\">\(charts.joined(separator: "\n"))</div></section>"
  }

  // MARK: Files and configuration

  private var files: String {
    var rows: [(name: String, bytes: Int)] = results.files.map { ($0.path, $0.bytes) }
    if let floatBytes { rows.insert(("the fp32 model that the run started from", floatBytes), at: 0) }
    guard !rows.isEmpty else { return "" }
    let lines = rows.map { name, bytes in
      let ratio = floatBytes.map { Numbers.fixed(Double(bytes) / Double(max($0, 1)), 3) } ?? "–"
      return "<tr><td>\(name.escapedForXML)</td><td>\(Numbers.bytes(bytes))</td><td>\(ratio)</td></tr>"
    }
    return "<section><h2>Files</h2><table class=\"narrow\"><thead><tr><th>file</th><th>size</th><th>of fp32</th></tr></thead><tbody>"
      + lines.joined(separator: "\n") + "</tbody></table></section>"
  }

  private var configuration: String {
    "<section><details><summary>Configuration with every default</summary><pre>\(record.configuration.resolvedJSON().text().escapedForXML)</pre>"
      + "</details></section>"
  }
}
