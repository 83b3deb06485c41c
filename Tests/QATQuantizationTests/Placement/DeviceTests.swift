import QATGraph
import QATModels
import Testing

@testable import QATQuantization

@Suite("The device's table says how operators may be quantized")
struct DeviceTests {
  /// A residual block and a classifier.
  private let network: Graph = {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    let sum = net.relu(net.sum(net.conv(x, "conv2"), x, "add"), "relu2")
    return net.finished(net.linear(net.flatten(net.globalAveragePool(sum, "pool"), "flatten"), "fc", features: 3))
  }()

  @Test("ANY and CPU give the same quantizers; CPU_SPR the same without the overflow fix")
  func processors() throws {
    let any = try place(network)
    #expect(try place(network, on: .cpu) == any)
    let matrixUnits = try place(network, on: .cpuSPR)
    #expect(matrixUnits == (try place(network, on: .cpu) { $0.overflowFix = .disable }))
    #expect(matrixUnits.activationPoints == any.activationPoints)
    #expect(matrixUnits.weightPoints.allSatisfy { $0.specification.narrowRange && !$0.specification.halfRange })
  }

  @Test("GPU and NPU use all codes of 8-bit weights", arguments: [TargetDevice.gpu, .npu])
  func noOverflowFix(_ device: TargetDevice) throws {
    for fix in QuantizationConfiguration.OverflowFix.allCases {
      let setup = try place(network, on: device) { $0.overflowFix = fix }
      #expect(setup.weightPoints.allSatisfy { $0.specification.narrowRange && !$0.specification.halfRange })
      #expect(setup.weightPoints.allSatisfy { $0.specification.perChannel && $0.specification.forcedSign == true })
    }
  }

  @Test("NPU has weights of 4 and 2 bits, whose sign the data decide, per channel and on all codes", arguments: [4, 2])
  func lowWeights(bits: Int) throws {
    let setup = try place(network, on: .npu) { $0.weights.demands.bits = bits }
    #expect(setup.weightIDs == ["conv1|WEIGHT", "conv2|WEIGHT", "fc|WEIGHT"])
    for point in setup.weightPoints {
      #expect(point.specification.bits == bits && point.specification.forcedSign == nil && point.specification.perChannel)
      #expect(!point.specification.narrowRange && !point.specification.halfRange)
    }
    #expect(setup.activationPoints.allSatisfy { $0.specification.bits == 8 })
  }

  @Test("NPU has activations of 4 bits where its table says so, and every other operator is named")
  func lowActivations() throws {
    #expect { try place(network, on: .npu) { $0.activations.demands.bits = 4 } } throws: { error in
      let text = "\(error)"
      return text.contains("NPU") && text.contains("activations (4 bits) at 'pool': offered are 8-bit symmetric per-tensor, 8-bit asymmetric")
    }
    let setup = try place(network, on: .npu) {
      $0.activations.demands.bits = 4
      $0.activations.ignoredScopes = ["pool"]
    }
    #expect(setup.activationPoints.allSatisfy { $0.specification.bits == 4 })
  }

  @Test("the inputs of a sum share one scale on NPU, and have two on the other devices")
  func unifiedArithmetic() throws {
    #expect(try place(network, on: .npu).unifiedScaleGroups == [["conv2|OUTPUT", "relu|OUTPUT"]])
    for device in TargetDevice.allCases where device != .npu { #expect(try place(network, on: device).unifiedScaleGroups.isEmpty) }
    let quantized = try network.inserting(place(network, on: .npu)).validated()
    #expect(quantized.node(named: "relu|OUTPUT")?.inputs[1] == quantized.node(named: "conv2|OUTPUT")?.inputs[1])
  }

  @Test("groups of sums in a row become one on NPU")
  func chainedArithmetic() throws {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "relu_a")
    let b = net.relu(net.conv(net.input, "b"), "relu_b")
    let c = net.relu(net.conv(net.input, "c"), "relu_c")
    let sums = net.sum(net.sum(a, b, "ab"), net.sum(b, c, "bc"), "abc")
    let groups = try place(net.finished(sums), on: .npu).unifiedScaleGroups
    #expect(groups == [["relu_a|OUTPUT", "relu_b|OUTPUT", "relu_c|OUTPUT"], ["ab|OUTPUT", "bc|OUTPUT"]])
  }

  @Test("a scale and shift behind a convolution is one operator with it, but not on NPU and TRIAL")
  func linearScaleShift() throws {
    var net = NetworkBuilder.small()
    let x = net.withConstant(Add(), net.withConstant(Mul(), net.conv(net.input, "conv1"), "scale"), "shift")
    let graph = net.finished(net.conv(x, "conv2"))
    for device in [TargetDevice.any, .cpu, .gpu, .cpuSPR] { #expect(try place(graph, on: device).activationIDs == ["input|OUTPUT", "shift|OUTPUT"]) }
    // Convolution and scale are one, the shift stands alone and, with a constant, needs no quantizer.
    for device in [TargetDevice.npu, .trial] { #expect(try place(graph, on: device).activationIDs == ["input|OUTPUT", "shift|OUTPUT"]) }
    let chains = { (device: TargetDevice) in FusedPattern.chains(in: try LiveGraph(graph), on: device).map(\.nodes) }
    #expect(try chains(.cpu) == [[0, 1, 2]])
    #expect(try chains(.npu) == [[0, 1]])
  }

  @Test("TRIAL sets whatever is demanded: symmetric, per-tensor and signed by the data unless said otherwise", arguments: 2...8)
  func trial(bits: Int) throws {
    let setup = try place(network, on: .trial) {
      $0.weights.demands.bits = bits
      $0.activations.demands.bits = bits
    }
    for point in setup.points {
      let specification = point.specification
      #expect(specification.bits == bits && specification.mode == .symmetric && !specification.perChannel && specification.forcedSign == nil)
      #expect(!specification.halfRange && specification.narrowRange == (bits == 8 && point.kind == .weight))
    }
    let channels = try place(network, on: .trial) {
      $0.weights.demands.perChannel = true
      $0.activations.demands.perChannel = true
      $0.activations.demands.mode = .asymmetric
    }
    #expect(channels.points.allSatisfy { $0.specification.perChannel })
    #expect(channels.activationPoints.allSatisfy { $0.specification.mode == .asymmetric })
  }

  @Test("TRIAL takes a preset when one is given, NPU refuses it")
  func presets() throws {
    #expect(try place(network, on: .trial) { $0.preset = .mixed }.activationPoints.allSatisfy { $0.specification.mode == .asymmetric })
    #expect { try place(network, on: .npu) { $0.preset = .performance } } throws: { "\($0)".contains("preset") && "\($0)".contains("NPU") }
  }

  @Test("a concatenation shares scales by the table, so not on TRIAL")
  func concatenation() throws {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "relu_a")
    let b = net.relu(net.conv(net.input, "b"), "relu_b")
    let graph = net.finished(net.conv(net.concatenation([a, b], "concat"), "c"))
    for device in TargetDevice.allCases {
      #expect(try place(graph, on: device).unifiedScaleGroups == (device == .trial ? [] : [["relu_a|OUTPUT", "relu_b|OUTPUT"]]))
    }
  }

  @Test("bit widths that the device lacks are refused before anything else")
  func missingBits() throws {
    #expect { try place(network, on: .gpu) { $0.weights.demands.bits = 4 } } throws: { "\($0)".contains("weights.bits: the device GPU has no") }
    #expect(throws: QuantizationError.self) { try place(network, on: .npu) { $0.weights.demands.bits = 3 } }
    #expect(throws: QuantizationError.self) { try place(network, on: .trial) { $0.weights.demands.bits = 9 } }
  }

  @Test("each table lists options once, weights of 8 bits first, and joins with shared scales")
  func tables() throws {
    for device in TargetDevice.allCases {
      guard let table = device.table else { continue }
      #expect(table[.concat]?.unifiesScales == true && table[.concat]?.activations == nil)
      #expect(table[.convolution]?.weights?.first == QuantizerOption(perChannel: true, forcedSign: true))
      #expect(table[.depthWiseConvolution]?.activations?.first == QuantizerOption(perChannel: true))
      #expect(table[.maxPool] != nil && table[.maxPool]?.activations == nil)
    }
    #expect(TargetDevice.gpu.table?[.normalizeL2] == nil && TargetDevice.cpu.table?[.normalizeL2] != nil)
    #expect(TargetDevice.npu.table?[.avgPool]?.activations?.map(\.bits) == [8, 8])
  }
}
