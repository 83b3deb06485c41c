import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// The page of a run, made by the built program and looked at in a real browser.
  @Suite struct ReportPageTests {
    @Test func aRunEndsWithAPageThatABrowserShowsWithoutErrors() throws {
      let folder = try Scratch()
      let run = try ToolRun("train --config int8.json --data \(Scratch.data) --epochs 2 --checkpoint-dir run --export int8.onnx", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(run.output.contains("fp32") && run.output.contains("run/report.html"))
      let page = try Browser.load("run/report.html", in: folder)
      #expect(page.complaints.isEmpty, "\(page.complaints)")
      for text in ["resnet_small", "quantized, before fine-tuning", "fine-tuned", "as integers", "forward pass", "int8.onnx", "Learning rate"] {
        #expect(page.document.contains(text), "\(text)")
      }
      // A row for each layer: ten with weights and the additions.
      let report = try String(contentsOf: folder.url("run/report.html"), encoding: .utf8)
      #expect(report.components(separatedBy: "<th scope=\"row\">").count > 10)
      #expect(page.document.components(separatedBy: "class=\"curve").count > 4)
      #expect(!report.contains("://"), "nothing is fetched")

      let results = try JSONDocument.parse(String(decoding: folder.bytes("run/results.json"), as: UTF8.self), file: "results.json").root
      #expect(
        results["networks"]?.array?.compactMap { $0["name"]?.string } == ["fp32", "quantized, before fine-tuning", "fine-tuned", "as integers"])
      #expect(results["steps"]?.number?.integer == 16 && results["timing"]?["step_seconds"] != nil)

      // The command writes the same layers, besides what each costs alone.
      let again = try ToolRun("report run --sensitivity --samples 64 --output again.html", in: folder)
      try #require(again.exitCode == 0, "\(again.errors)")
      #expect(again.output == "again.html\n")
      #expect(try Browser.load("again.html", in: folder).document.contains(">alone</th>"))
      let weightsOnly = try ToolRun("report run --samples 0 --output weights.html", in: folder)
      #expect(weightsOnly.exitCode == 0, "\(weightsOnly.errors)")
      #expect(try Browser.load("weights.html", in: folder).document.contains("no samples to measure activations on"))
    }

    @Test func aRunWithoutQuantizersHasAPageToo() throws {
      let folder = try Scratch()
      let run = try ToolRun("train --config fp32.json --data \(Scratch.data) --checkpoint-dir run --max-steps 3", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      let page = try Browser.load("run/report.html", in: folder)
      #expect(page.complaints.isEmpty, "\(page.complaints)")
      #expect(page.document.contains("fp32 training") && !page.document.contains("<h2>Layers</h2>"))
    }

    @Test func aFolderWithoutARunHasNone() throws {
      let folder = try Scratch()
      let run = try ToolRun("report nothing", in: folder)
      #expect(run.exitCode == ExitStatus.checkpoint.rawValue && run.output.isEmpty)
      #expect(run.errors.contains("nothing"))
    }

    @Test func namesFromModelFilesAreTexts() throws {
      let folder = try Scratch()
      let script = "<script>document.title='taken'</script>"
      var net = NetworkBuilder(name: "net\(script)\" onload=\"x", input: [1, 8, 8])
      let x = net.relu(net.convolution(net.input, "conv\(script)&amp;'\u{1}", channels: 4, kernel: 3), "</style><img src=x onerror=alert(1)>")
      let scores = net.linear(net.flatten(x, "flatten"), "fc</table>", features: 3)
      let graph = net.graph(output: scores)
      let setup = try placeQuantizers(in: graph, QuantizationConfiguration(), device: .any).setup
      let facts = try NetworkFacts(of: graph.inserting(setup), float: graph, setup: setup, samples: nil, communicator: SingleProcess())
      var configuration = RunConfiguration()
      configuration.data.train = "\(script)"
      configuration.nncf.quantization = QuantizationConfiguration()
      var results = RunResults()
      results.note("fp32 \(script)", ["top1": 0.5, "loss": .nan])
      results.files = [.init(path: "\(script).onnx", bytes: 1)]
      var report = RunReport(
        title: graph.name, record: RunRecord(configuration: configuration, versions: [script: script], rankCount: 1),
        history: try MetricsHistory(contentsOf: folder.url("none").path),
        results: results, floatBytes: 10, facts: facts)
      report.notes = [script]
      try report.write(to: folder.url("page.html").path)
      let page = try Browser.load("page.html", in: folder)
      #expect(page.complaints.isEmpty, "\(page.complaints)")
      #expect(!page.document.contains("<script") && !page.document.contains("<img"))
      #expect(page.document.contains("<title>net&lt;script&gt;document.title='taken'&lt;/script&gt;"))
      #expect(page.document.contains("conv&lt;script&gt;") && page.document.contains("fc&lt;"))
      #expect(page.document.components(separatedBy: "<table").count == page.document.components(separatedBy: "</table>").count)
    }
  }
}

/// A page as Chromium has loaded it.
struct Browser {
  /// The document after loading.
  let document: String
  /// What the console says: errors of the page, and everything that it was not allowed to load.
  let complaints: [Substring]

  /// Loads a file without a window and without the net, and takes a picture of it.
  static func load(_ name: String, in folder: Scratch) throws -> Browser {
    let address = folder.url(name).absoluteString
    let program = ["chromium", "chromium-browser", "google-chrome"].first { name in
      (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
      }
    }
    guard let program else { throw ToolRun.Failure(description: "Chromium is missing: scripts/setup --test installs it") }
    let options = [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0", "--window-size=1200,2400",
      "--user-data-dir=\(folder.url("chromium").path)", "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    let dumped = try ToolRun(words: [program] + options + ["--dump-dom", address], in: folder, timeout: 120)
    try #require(dumped.exitCode == 0, "\(dumped.errors.suffix(2000))")
    let picture = folder.url("\(name.replacingOccurrences(of: "/", with: "-")).png")
    let drawn = try ToolRun(words: [program] + options + ["--screenshot=\(picture.path)", address], in: folder, timeout: 120)
    try #require(drawn.exitCode == 0, "\(drawn.errors.suffix(2000))")
    let bytes = try Data(contentsOf: picture)
    #expect(bytes.count > 10_000 && bytes.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]), "a picture of \(name)")
    return Browser(document: dumped.output, complaints: (dumped.errors + drawn.errors).split(separator: "\n").filter { $0.contains("CONSOLE") })
  }
}
