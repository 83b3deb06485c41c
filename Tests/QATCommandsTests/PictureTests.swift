import Foundation
import QAT
import Testing

@testable import QATCommands

@Suite("Pictures of networks")
struct PictureTests {
  /// A residual block, quantized but for one convolution.
  private func picture() throws -> GraphPicture {
    var net = NetworkBuilder(name: "a <b> & \"c\"", input: [2, 8, 8])
    let x = net.relu(net.convolution(net.input, "conv1", channels: 4, kernel: 3, pad: 1), "relu")
    let sum = net.sum(net.convolution(x, "conv2", channels: 4, kernel: 3, pad: 1), x, "add")
    let graph = net.graph(output: sum)
    var configuration = QuantizationConfiguration()
    configuration.ignoredScopes = ["conv2"]
    let placement = try placeQuantizers(in: graph, configuration, device: .any)
    return try GraphPicture(graph.inserting(placement.setup), floatReasons: placement.floatReasons)
  }

  @Test("a box for each input, node and output, with its kind; an arrow for each tensor between two")
  func boxes() throws {
    let picture = try picture()
    let kinds = Dictionary(picture.boxes.map { ("\($0.title) \($0.detail)", $0.kind) }, uniquingKeysWith: { first, _ in first })
    #expect(kinds["input input"] == .terminal && kinds["output add"] == .terminal)
    #expect(kinds["Conv conv1"] == .integer && kinds["Conv conv2"] == .float && kinds["Add add"] == .integer)
    #expect(kinds["conv1|WEIGHT 8-bit symmetric, 4 channels"] == .weightQuantizer)
    #expect(kinds["input|OUTPUT 8-bit symmetric, one range"] == .activationQuantizer)
    #expect(picture.boxes.first { $0.detail == "conv2" }?.note.contains("the scope 'conv2'") == true)
    #expect(picture.arrows.allSatisfy { $0.from < $0.to })
    let add = try #require(picture.boxes.firstIndex { $0.detail == "add" })
    #expect(picture.arrows.count { $0.to == add } == 2)
  }

  @Test("SVG is well-formed XML, DOT has a line for each box and arrow")
  func formats() throws {
    let picture = try picture()
    let svg = XMLElements(picture.svg)
    #expect(svg.isWellFormed)
    #expect(svg.counts["rect"] == picture.boxes.count + 1 + GraphPicture.Box.Kind.allCases.count)
    // One is the head that all arrows have.
    #expect(svg.counts["path"] == picture.arrows.count + 1)
    let dot = picture.dot
    #expect(dot.contains("digraph \"a <b> & \\\"c\\\"\" {"))
    #expect(dot.split(separator: "\n").count { $0.contains(" -> ") } == picture.arrows.count)
    #expect(dot.split(separator: "\n").count { $0.contains("[label=") } == picture.boxes.count)
  }

  @Test("arrows point down, boxes of a layer do not overlap", arguments: ["resnet_small", "mobilenet_small"])
  func layout(name: String) throws {
    let graph = try #require(architecture(named: name, classes: 10))
    let setup = try placeQuantizers(in: graph, QuantizationConfiguration(), device: .any).setup
    let picture = try GraphPicture(graph.inserting(setup), floatReasons: [:])
    let widths = picture.boxes.map { Double(20 + $0.title.count) }
    let layout = LayeredLayout(widths: widths, arrows: picture.arrows, gap: 10)
    for (arrow, bends) in zip(picture.arrows, layout.bends) { #expect(layout.layers[arrow.from] + bends.count + 1 == layout.layers[arrow.to]) }
    for row in Dictionary(grouping: widths.indices, by: { layout.layers[$0] }).values {
      let sorted = row.sorted { layout.centers[$0] < layout.centers[$1] }
      for (left, right) in zip(sorted, sorted.dropFirst()) {
        #expect(layout.centers[right] - layout.centers[left] >= (widths[left] + widths[right]) / 2 + 10 - 1e-6)
      }
    }
    #expect(
      layout.centers.indices.allSatisfy { layout.centers[$0] >= widths[$0] / 2 - 1e-6 && layout.centers[$0] + widths[$0] / 2 <= layout.width + 1e-6 })
  }

  @Test("names that XML cannot hold, and very long ones, are drawn as far as they can be")
  func hostileNames() throws {
    var net = NetworkBuilder(name: "bell\u{7}", input: [2, 8, 8])
    let long = "/features/" + String(repeating: "Block[]/", count: 30) + "Conv"
    let y = net.relu(net.convolution(net.input, long, channels: 4, kernel: 3), "\u{1}<&>\"'\u{1F}")
    let graph = net.graph(output: y)
    let picture = try GraphPicture(graph, floatReasons: [:])
    let svg = picture.svg
    #expect(XMLElements(svg).isWellFormed)
    #expect(!svg.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    #expect(svg.contains("<title>bell\u{FFFD}</title>"))
    #expect(svg.contains(">\u{FFFD}&lt;&amp;&gt;&quot;'\u{FFFD}</text>"))
    #expect(svg.contains("Conv \(long)"), "the whole name is shown by hovering")
    #expect(svg.contains(">/features/Block[]/Blo…]/Block[]/Block[]/Conv</text>"))
  }

  @Test("labels are given more room than the letters of Helvetica take")
  func labelWidths() {
    // Advance widths of Helvetica's AFM file, thousandths of the size.
    let measured: [(String, Double, Bool)] = [
      ("Conv", 2.334, false), ("layer1.0.conv1|WEIGHT", 10.53, true), ("8-bit symmetric, 64 channels", 13.23, false), ("WWMM@", 4.568, false),
      ("iiillj", 1.332, false),
    ]
    for (text, width, isBold) in measured {
      let room = GraphPicture.width(ofLine: text, isBold: isBold)
      #expect(room >= width * 0.97 && room <= width * 1.7, "\(text): \(room)")
    }
  }

  @Test("a chain with weights beside it is drawn straight")
  func straightChain() {
    // Boxes 0, 2, 4, 6 are the chain, 1, 3, 5 lead into it.
    let arrows = [(0, 2), (1, 2), (2, 4), (3, 4), (4, 6), (5, 6)].map { GraphPicture.Arrow(from: $0.0, to: $0.1) }
    let layout = LayeredLayout(widths: [50, 90, 60, 90, 50, 90, 70], arrows: arrows, gap: 10)
    let chain = [2, 4, 6].map { layout.centers[$0] }
    #expect(chain.allSatisfy { abs($0 - chain[0]) < 1 }, "\(chain)")
  }

  @Test("an empty picture and a single box are drawn")
  func smallest() throws {
    #expect(LayeredLayout(widths: [], arrows: [], gap: 1).layerCount == 0)
    #expect(LayeredLayout(widths: [4], arrows: [], gap: 1).centers == [2])
  }
}

/// The elements of a text of XML, by their brackets.
private struct XMLElements {
  var counts: [String: Int] = [:]
  var isWellFormed = true

  init(_ text: String) {
    var open: [String] = []
    for tag in text.matches(of: #/<(/?)([a-z]+)((?:[^<>"]|"[^<>"]*")*?)(/?)>/#) {
      let name = String(tag.2)
      if tag.1.isEmpty {
        counts[name, default: 0] += 1
        if tag.4.isEmpty { open.append(name) }
      } else if open.popLast() != name {
        isWellFormed = false
      }
    }
    let rest = text.replacing(#/<(/?)([a-z]+)((?:[^<>"]|"[^<>"]*")*?)(/?)>/#, with: "")
    isWellFormed =
      isWellFormed && open.isEmpty && !rest.contains("<") && !rest.contains(">") && !rest.replacing(#/&(amp|lt|gt|quot);/#, with: "").contains("&")
  }
}
