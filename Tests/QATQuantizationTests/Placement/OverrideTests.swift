import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("Overrides demand of some operators what their group does not")
struct OverrideTests {
  private let network: Graph = {
    var net = NetworkBuilder.small()
    var x = net.relu(net.conv(net.input, "conv1"), "relu1")
    x = net.relu(net.conv(x, "conv2"), "relu2")
    return net.finished(net.linear(net.flatten(x, "flatten"), "fc", features: 3))
  }()

  private func override(_ scope: String, _ change: (inout QuantizationConfiguration.Demands) -> Void) -> QuantizationConfiguration.ScopeOverride {
    var demands = QuantizationConfiguration.Demands()
    change(&demands)
    return .init(scope, demands)
  }

  @Test("weights are matched by the operator that owns them, on every device", arguments: [TargetDevice.cpu, .npu, .trial])
  func weights(_ device: TargetDevice) throws {
    let setup = try place(network, on: device) { $0.weights.overrides = [override("{re}^conv") { $0.perChannel = false }] }
    let plain = try place(network, on: device)
    #expect(setup["conv1|WEIGHT"]?.specification.perChannel == false)
    #expect(setup["conv2|WEIGHT"]?.specification.perChannel == false)
    #expect(setup["fc|WEIGHT"] == plain["fc|WEIGHT"])
    #expect(setup.activationPoints == plain.activationPoints)
  }

  @Test("activations are matched by the operator that reads them")
  func activations() throws {
    let setup = try place(network) { $0.activations.overrides = [override("conv2") { $0.mode = .asymmetric }] }
    #expect(setup["relu1|OUTPUT"]?.specification.mode == .asymmetric)
    #expect(setup["input|OUTPUT"]?.specification.mode == .symmetric)
    #expect(setup["relu2|OUTPUT"]?.specification.mode == .symmetric)
    #expect(try place(network) { $0.activations.overrides = [override("relu1") { $0.mode = .asymmetric }] } == place(network))
  }

  @Test("they add to the demands of the group and win over them; of two that match the later one holds")
  func order() throws {
    let setup = try place(network, on: .trial) {
      $0.weights.demands.bits = 6
      $0.weights.demands.perChannel = true
      $0.weights.overrides = [override("{re}^conv") { $0.bits = 4 }, override("conv2") { $0.bits = 3 }]
    }
    #expect(setup.weightPoints.map(\.specification.bits) == [4, 3, 6])
    #expect(setup.weightPoints.allSatisfy { $0.specification.perChannel })
  }

  @Test("readers of one tensor with nothing in common keep quantizers of their own")
  func apart() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "stem"), "relu")
    let graph = net.finished(net.sum(net.conv(x, "a"), net.conv(x, "b"), "add"))
    let setup = try place(graph, on: .trial) { $0.activations.overrides = [override("a") { $0.bits = 4 }] }
    #expect(setup.activationIDs == ["input|OUTPUT", "a|INPUT0", "a|OUTPUT", "b|INPUT0", "b|OUTPUT"])
    #expect(setup["a|INPUT0"]?.specification.bits == 4)
    #expect(throws: Never.self) { try graph.inserting(setup).validated() }
  }

  @Test("a scope that matches nothing is refused, unless scopes are not validated")
  func unmatched() throws {
    let change = { (configuration: inout QuantizationConfiguration) in configuration.activations.overrides = [override("conv3") { $0.signed = true }]
    }
    #expect { try place(network, change) } throws: { "\($0)".contains("scope_overrides.activations: 'conv3' matches no node") }
    #expect(throws: Never.self) {
      try place(network) {
        change(&$0)
        $0.validatesScopes = false
      }
    }
  }

  @Test("operators that share a weight cannot demand different quantizers of it")
  func sharedWeight() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    var graph = net.finished(net.conv(x, "conv2"))
    graph.nodes[2].inputs[1] = "conv1.weight"
    #expect { try place(graph, on: .trial) { $0.weights.overrides = [override("conv2") { $0.bits = 4 }] } } throws: {
      "\($0)".contains("'conv2' shares its weight with 'conv1'")
    }
  }
}
