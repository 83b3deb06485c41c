import QAT
import Testing

@testable import QATCommands

@Suite struct ReportTests {
  @Test func aTableAlignsItsColumns() {
    var table = TextTable(["name", "top-1"])
    table.add(["a", "9.00 %"])
    table.add(["longer", "91.76 %"])
    #expect(
      table.text == """
        name      top-1
        ---------------
        a        9.00 %
        longer  91.76 %
        """)
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1000, "1 000"), (11_689_512, "11 689 512"), (-1234, "-1 234")])
  func countsAreGrouped(count: Int, text: String) { #expect(Numbers.grouped(count) == text) }

  @Test(arguments: [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (90_521, "88.4 KiB"), (46_837_235, "44.7 MiB")])
  func bytesHaveAUnit(count: Int, text: String) { #expect(Numbers.bytes(count) == text) }

  @Test func normalisationSurvivesTheFilesNotes() {
    let preprocessing = Preprocessing(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
    #expect(Preprocessing(notes: ModelMetadata.strings(preprocessing)) == preprocessing)
  }

  @Test(arguments: [
    [:], ["qat.normalize.mean": "0.5"], ["qat.normalize.mean": "a", "qat.normalize.std": "1"], ["qat.normalize.mean": "", "qat.normalize.std": ""],
  ])
  func notesThatSayNothingAreNone(metadata: [String: String]) { #expect(Preprocessing(notes: metadata) == nil) }

  @Test func quantizersAreListedWithTheirOwners() throws {
    var net = NetworkBuilder(name: "n", input: [2, 4, 4])
    let x = net.relu(net.convolution(net.input, "conv", channels: 3, kernel: 3), "act")
    var graph = net.graph(output: x)
    graph.constants["conv|WEIGHT.scale"] = Graph.Constant(Tensor([1, 2, 3], shape: [3]), .parameter)
    graph.constants["act|OUTPUT.input_low"] = Graph.Constant(Tensor([-1], shape: [1]), .parameter)
    graph.constants["act|OUTPUT.input_range"] = Graph.Constant(Tensor([4], shape: [1]), .parameter)
    graph.nodes.insert(
      Node(
        name: "conv|WEIGHT", op: FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: 0),
        inputs: ["conv.weight", "conv|WEIGHT.scale"], outputs: ["q"]), at: 0)
    graph.nodes[1].inputs[1] = "q"
    graph.nodes.append(
      Node(
        name: "act|OUTPUT", op: FakeQuantize(mode: .asymmetric), inputs: ["act", "act|OUTPUT.input_low", "act|OUTPUT.input_range"], outputs: ["y"]))
    graph.outputs = ["y"]
    let reports = QuantizerReport.all(in: try graph.validated())
    #expect(reports.map(\.operatorName) == ["conv", "act"])
    #expect(
      reports[0].json == [
        "id": "conv|WEIGHT", "kind": "weight", "operator": "conv", "bits": 8, "mode": "symmetric", "signed": true, "per_channel": true,
        "narrow_range": false, "half_range": true, "pairwise": false, "power_of_two_step": false, "scale": [1.0, 2.0, 3.0],
      ])
    #expect(reports[1].json["input_low"] == -1.0)
    #expect(reports[1].json["input_range"] == 4.0)
    #expect(reports[1].json["signed"] == true)
    #expect(reports[1].json["mode"] == "asymmetric")
    #expect(reports[0].cells == ["conv|WEIGHT", "weight", "8", "symmetric", "yes", "3 channels", "-3.04762 3.00000"])
    #expect(reports[1].cells.suffix(2) == ["tensor", "-1.00524 3.00000"])
  }

  @Test func whetherSumsCanOverflowIsSaidOfEachLayer() throws {
    func report(_ code: Float) throws -> NetworkReport {
      var graph = Graph(name: "net", inputs: [.init(name: "x", type: TensorType([.batch, 2]))], outputs: ["y"])
      graph.constants = [
        "x.scale": .init(Tensor([255], shape: [1]), .parameter), "w": .init(Tensor([code, 127], shape: [1, 2]), .parameter),
        "w.scale": .init(Tensor([127], shape: [1]), .parameter),
      ]
      graph.nodes = [
        Node(name: "x|OUTPUT", op: FakeQuantize(mode: .symmetric(signed: false)), inputs: ["x", "x.scale"], outputs: ["xq"]),
        Node(
          name: "layer|WEIGHT", op: FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, channelAxis: 0), inputs: ["w", "w.scale"],
          outputs: ["wq"]),
        Node(name: "layer", op: Gemm(transposesB: true), inputs: ["xq", "wq"], outputs: ["y"]),
      ]
      return try NetworkReport(graph, fileSize: nil, listsQuantizers: true)
    }
    let safe = try report(1)
    #expect(
      safe.text.contains(
        "overflow: none of 1 integer layers can overflow for any input, on any processor; the largest accumulator is 32 640 of 2 147 483 647"))
    #expect(
      safe.json["overflow"] == [
        ["layer": "layer", "pair_sum": 32640, "accumulator": 32640, "proven": true, "exact_sum": 32640, "exact_in_floats": true]
      ])
    let unsafe = try report(2)
    #expect(unsafe.text.contains("overflow: 1 of 1 integer layers may; the largest accumulator is 32 895 of 2 147 483 647"))
    #expect(unsafe.text.contains("  layer: sums of two products may reach 32895 and saturate at 32767 on processors without VNNI; train with"))
  }

  @Test func aProfileAddsUpKindsOfWorkAndPutsTheLongestFirst() {
    let million = 1_000_000
    var spans: [StepRecorder.Span] = []
    for start in [0, 10 * million] {
      func note(_ kind: StepRecorder.Span.Kind, _ name: String, _ begin: Int, _ end: Int, bytes: Int = 0, operations: Int = 0) {
        spans.append(
          .init(
            kind, name, start: start + begin * million, end: start + end * million, byteCount: bytes * million, operationCount: operations * million))
      }
      note(.step, "step", 0, 10)
      note(.phase, "forward pass", 0, 2)
      note(.kernel, "Relu relu", 0, 2, bytes: 10)
      note(.kernel, "Conv backward data conv1", 2, 5, bytes: 1, operations: 100)
      note(.kernel, "Conv backward data conv2", 5, 10, bytes: 3, operations: 300)
    }
    #expect(
      StepProfile(spans, peak: 80e9).text == """
        work                times  milliseconds    share  GB/s  GOP/s  of peak
        ----------------------------------------------------------------------
        Conv backward data      2          8.00  80.00 %   0.5   50.0  62.50 %
        Relu                    1          2.00  20.00 %   5.0      –        –
        peak of float32 in registers: 80.0 GFLOP/s
        """)
  }
}
