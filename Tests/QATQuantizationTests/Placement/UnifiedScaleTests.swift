import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("The configuration can make quantizers share a scale")
struct UnifiedScaleTests {
  private let network: Graph = {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "relu_a")
    let b = net.relu(net.conv(net.input, "b"), "relu_b")
    return net.finished(net.conv(net.sum(a, b, "add"), "c"))
  }()

  @Test("the quantizers at the listed nodes and inputs are one group")
  func listed() throws {
    let setup = try place(network) { $0.activations.unifiedScaleOperators = [["relu_b", "relu_a"]] }
    #expect(setup.unifiedScaleGroups == [["relu_a|OUTPUT", "relu_b|OUTPUT"]])
    let inputs = try place(network) { $0.activations.unifiedScaleOperators = [["input", "add"]] }
    #expect(inputs.unifiedScaleGroups == [["add|OUTPUT", "input|OUTPUT"]])
    #expect(throws: Never.self) { try network.inserting(inputs).validated() }
  }

  @Test("a node with several quantizers brings them all")
  func severalAtOneNode() throws {
    var graph = network
    graph.outputs += ["relu_a", "relu_b"]
    let setup = try place(graph) { $0.activations.unifiedScaleOperators = [["add"]] }
    #expect(setup.unifiedScaleGroups == [["add|INPUT0", "add|INPUT1", "add|OUTPUT"]])
  }

  @Test("a group joins those of concatenations that it touches")
  func joined() throws {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "relu_a")
    let b = net.relu(net.conv(net.input, "b"), "relu_b")
    let graph = net.finished(net.conv(net.concatenation([a, b], "concat"), "c"))
    let setup = try place(graph) { $0.activations.unifiedScaleOperators = [["relu_b", "input"]] }
    #expect(setup.unifiedScaleGroups == [["input|OUTPUT", "relu_a|OUTPUT", "relu_b|OUTPUT"]])
  }

  @Test("names without an activation quantizer are refused with those that have one")
  func unknown() throws {
    #expect { try place(network) { $0.activations.unifiedScaleOperators = [["relu_a", "a", "c"]] } } throws: {
      "\($0)".contains("names 'a', 'c', where no") && "\($0)".contains("add, input, relu_a, relu_b")
    }
  }

  @Test("overlapping groups are refused")
  func overlapping() throws {
    #expect { try place(network) { $0.activations.unifiedScaleOperators = [["relu_a", "relu_b"], ["relu_b", "add"]] } } throws: {
      "\($0)".contains("'relu_b' is in the groups 0 and 1")
    }
  }

  @Test("quantizers of unlike kinds are refused with both")
  func unlike() throws {
    var asymmetric = QuantizationConfiguration.Demands()
    asymmetric.mode = .asymmetric
    #expect {
      try place(network) {
        $0.activations.overrides = [.init("c", asymmetric)]
        $0.activations.unifiedScaleOperators = [["relu_a", "add"]]
      }
    } throws: {
      "\($0)".contains("'add|OUTPUT' (8-bit asymmetric per-tensor) and 'relu_a|OUTPUT' (8-bit symmetric per-tensor)")
    }
  }
}
