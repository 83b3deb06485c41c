import QATGraph
import QATONNX
import QATTensor
import Testing

/// OpenVINO's FakeQuantize in ONNX files, as NNCF exports it.
@Suite struct ONNXFakeQuantizeTests {
  /// Bounds and levels, and the quantizer that they are.
  struct Row: Sendable {
    var low: Float
    var high: Float
    var levels: Int
    var quantizer: FakeQuantize
  }

  private func model(low: Float, high: Float, levels: Int, outputs: (Float, Float)? = nil, on weight: Bool = false) -> ModelBytes {
    var model = ModelBytes(input: ["N", 2])
    model.domains = ["org.openvinotoolkit"]
    for (name, value) in [("il", low), ("ih", high), ("ol", outputs?.0 ?? low), ("oh", outputs?.1 ?? high)] { model.weights(name, [], [value]) }
    model.weights("w", [3, 2])
    let source = weight ? "w" : "x"
    model.node("FakeQuantize", [source, "il", "ih", "ol", "oh"], ["q"], domain: "org.openvinotoolkit", [("levels", .int(levels))])
    model.node("Gemm", weight ? ["x", "q"] : ["q", "w"], ["y"], [("transB", .int(1))])
    return model
  }

  @Test(arguments: [
    Row(low: 0, high: 2.55, levels: 256, quantizer: FakeQuantize(mode: .symmetric(signed: false))),
    Row(low: -1.28, high: 1.27, levels: 256, quantizer: FakeQuantize(mode: .symmetric(signed: true))),
    Row(low: -1.27, high: 1.27, levels: 255, quantizer: FakeQuantize(mode: .symmetric(signed: true), narrowRange: true)),
    Row(low: -0.5, high: 2.05, levels: 256, quantizer: FakeQuantize(mode: .asymmetric)),
    Row(low: 0, high: 1.5, levels: 16, quantizer: FakeQuantize(mode: .symmetric(signed: false), bits: 4)),
  ])
  func becomesTheQuantizerWithItsLevels(row: Row) throws {
    for isWeight in [false, true] {
      let graph = try ONNXFile.decode(model(low: row.low, high: row.high, levels: row.levels, on: isWeight).bytes)
      let node = try #require(graph.node(named: isWeight ? "w|WEIGHT" : "x|OUTPUT"))
      #expect(node.as(FakeQuantize.self) == row.quantizer)
      let parameters = node.inputs.dropFirst().compactMap { graph.tensor($0)?.floats }
      let grid = row.quantizer.grid(parameters: parameters, at: 0)
      let step = (row.high - row.low) / Float(row.levels - 1)
      #expect(abs(grid.step - step) <= step * 0x1p-22 && abs(grid.low - row.low) <= step * 1e-3 && abs(grid.high - row.high) <= step * 1e-3)
      #expect(graph.constants["w"]?.role == .parameter)
    }
  }

  @Test func whatIsNoQuantizerHereIsRefused() throws {
    let cases: [(ModelBytes, String)] = [
      (model(low: 0.5, high: 1, levels: 256), "not lower ones up to 0"),
      (model(low: -0.503, high: 2.05, levels: 256), "leave out zero"),
      (model(low: 0, high: 1, levels: 1000), "1000 levels"),
      (model(low: 0, high: 1, levels: 256, outputs: (0, 2)), "other bounds"),
      (model(low: 0, high: .infinity, levels: 256), "not lower ones"),
      (model(low: -1, high: 1, levels: 4), "leave out zero"),
    ]
    for (model, words) in cases {
      #expect { try ONNXFile.decode(model.bytes) } throws: { "\($0)".contains(words) && "\($0)".contains("FakeQuantize") }
    }
  }
}
