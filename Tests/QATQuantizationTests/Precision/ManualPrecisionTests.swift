import QATGraph
import QATModels
import QATQuantization
import Testing

@Suite("Bit widths that the configuration names, quantizer by quantizer")
struct ManualPrecisionTests {
  private typealias Assignment = QuantizationConfiguration.PrecisionInitializer.Assignment

  private let network: Graph = {
    var net = NetworkBuilder.small()
    var x = net.relu(net.conv(net.input, "conv1"), "relu1")
    x = net.relu(net.conv(x, "conv2"), "relu2")
    return net.finished(net.linear(net.flatten(x, "flatten"), "fc", features: 3))
  }()

  private func assigning(_ pairs: [(Int, String)]) -> (inout QuantizationConfiguration) -> Void {
    return {
      var precision = QuantizationConfiguration.PrecisionInitializer()
      precision.assignments = pairs.map { Assignment(bits: $0, scope: $1) }
      $0.precision = precision
    }
  }

  private func bits(_ setup: QuantizerSetup) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: setup.points.map { ($0.id, $0.specification.bits) })
  }

  @Test("named quantizers get their widths, the others keep theirs", arguments: [TargetDevice.trial, .npu])
  func named(_ device: TargetDevice) throws {
    let setup = try place(network, on: device, assigning([(4, "conv2|WEIGHT"), (4, "relu1|OUTPUT"), (2, "fc|WEIGHT")]))
    #expect(
      bits(setup) == [
        "conv1|WEIGHT": 8, "conv2|WEIGHT": 4, "fc|WEIGHT": 2, "input|OUTPUT": 8, "relu1|OUTPUT": 4, "relu2|OUTPUT": 8,
      ])
    let plain = try place(network, on: device)
    #expect(setup.points.map(\.target) == plain.points.map(\.target))
    #expect(setup["fc|WEIGHT"]?.specification.perChannel == plain["fc|WEIGHT"]?.specification.perChannel)
    #expect(setup["conv2|WEIGHT"]?.specification.narrowRange == false)
    #expect(throws: Never.self) { try network.inserting(setup).validated() }
  }

  @Test("a text means the first quantizer whose id contains it; of two for one quantizer the later one holds")
  func matching() throws {
    let setup = try place(network, on: .trial, assigning([(5, "conv"), (3, "OUTPUT"), (6, "conv1")]))
    #expect(setup["conv1|WEIGHT"]?.specification.bits == 6)
    #expect(setup["conv2|WEIGHT"]?.specification.bits == 8)
    #expect(setup["input|OUTPUT"]?.specification.bits == 3)
    #expect(setup["relu1|OUTPUT"]?.specification.bits == 8)
  }

  @Test("where no table restricts them they override the bits of a group, and not those of an override")
  func groups() throws {
    let demand = { (configuration: inout QuantizationConfiguration) in
      configuration.weights.demands.bits = 6
      var fixed = QuantizationConfiguration.Demands()
      fixed.bits = 7
      configuration.weights.overrides = [.init("fc", fixed)]
    }
    let setup = try place(network, on: .trial) {
      demand(&$0)
      assigning([(4, "conv2|WEIGHT")])(&$0)
    }
    #expect(setup.weightPoints.map(\.specification.bits) == [6, 4, 7])
    #expect {
      try place(network, on: .trial) {
        demand(&$0)
        assigning([(4, "fc|WEIGHT")])(&$0)
      }
    } throws: {
      "\($0)".contains("bitwidth_per_scope[0]: the quantizer 'fc|WEIGHT' cannot have 4 bits; it is offered 7")
    }
  }

  @Test("quantizers that share a scale get the width together")
  func unifiedScales() throws {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "a.relu")
    let b = net.relu(net.conv(a, "b"), "b.relu")
    let graph = net.finished(net.conv(net.sum(a, b, "add"), "c"))
    let setup = try place(graph, on: .npu, assigning([(4, "b.relu|OUTPUT")]))
    let group = try #require(setup.unifiedScaleGroups.first)
    #expect(group.count == 2)
    #expect(group.allSatisfy { setup[$0]?.specification.bits == 4 })
  }

  @Test("widths that are not on offer, and texts that mean nothing, are all refused at once")
  func refusals() throws {
    #expect { try place(network, on: .npu, assigning([(2, "relu1"), (4, "conv9|WEIGHT")])) } throws: {
      let text = "\($0)"
      return text.contains("bitwidth_per_scope[0]: the quantizer 'relu1|OUTPUT' cannot have 2 bits; it is offered 8, 4")
        && text.contains("bitwidth_per_scope[1]: no quantizer's id contains 'conv9|WEIGHT'; nearest: 'conv")
    }
    #expect { try place(network, on: .cpu, assigning([(4, "conv1")])) } throws: {
      "\($0)".contains("the device CPU has nothing of 4 bits, as 'conv1' is to have; expected 8")
    }
  }
}
