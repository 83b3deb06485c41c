import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("Inputs of a concatenation share a scale when it feeds weights")
struct ConcatenationTests {
  private func joined(_ finish: (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value) -> Graph {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "relu_a")
    let b = net.relu(net.conv(net.input, "b"), "relu_b")
    let joined = net.concatenation([a, b], "concat")
    return net.finished(finish(&net, joined))
  }

  @Test("one set of parameters for all inputs, also through a pooling")
  func unified() throws {
    let graph = joined { net, x in net.conv(net.maxPool(x, "pool", kernel: 2, stride: 2), "c") }
    let setup = try place(graph)
    #expect(setup.activationIDs == ["input|OUTPUT", "relu_a|OUTPUT", "relu_b|OUTPUT"])
    #expect(setup.unifiedScaleGroups == [["relu_a|OUTPUT", "relu_b|OUTPUT"]])
    let quantized = try graph.inserting(setup).validated()
    #expect(quantized.node(named: "relu_a|OUTPUT")?.inputs == ["relu_a", "relu_a|OUTPUT.scale"])
    #expect(quantized.node(named: "relu_b|OUTPUT")?.inputs == ["relu_b", "relu_a|OUTPUT.scale"])
    #expect(quantized.constants["relu_b|OUTPUT.scale"] == nil)
  }

  @Test("separate parameters when no weights follow")
  func separate() throws {
    let setup = try place(joined { net, x in net.sum(x, x, "add") })
    #expect(setup.activationIDs == ["input|OUTPUT", "relu_a|OUTPUT", "relu_b|OUTPUT"])
    #expect(setup.unifiedScaleGroups.isEmpty)
  }

  @Test("no quantizer passes when something in floating point reads the concatenation, or nothing that wants one")
  func blocked() throws {
    let setup = try place(joined { net, x in net.add(Softmax(axis: 1), [x], "softmax") })
    #expect(setup.activationIDs == ["input|OUTPUT"])
    let mixed = try place(
      joined { net, x in
        net.sum(net.conv(x, "c", channels: 8), net.add(Softmax(axis: 1), [x], "softmax"), "add")
      })
    #expect(mixed.activationIDs == ["input|OUTPUT", "c|INPUT0", "c|OUTPUT", "softmax|OUTPUT"])
  }

  @Test("groups that meet at a branch become one")
  func chained() throws {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "relu_a")
    let b = net.relu(net.conv(net.input, "b"), "relu_b")
    let c = net.relu(net.conv(net.input, "c"), "relu_c")
    let first = net.conv(net.concatenation([a, b], "ab"), "d")
    let second = net.conv(net.concatenation([b, c], "bc"), "e")
    let setup = try place(net.finished(net.sum(first, second, "add")))
    #expect(setup.unifiedScaleGroups == [["relu_a|OUTPUT", "relu_b|OUTPUT", "relu_c|OUTPUT"]])
  }

  @Test("per-channel quantizers in front of a concatenation stay separate")
  func perChannel() throws {
    let setup = try place(joined { net, x in net.conv(x, "depthwise", channels: 8, groups: 8) })
    #expect(setup["relu_a|OUTPUT"]?.specification.parameterShape == [4])
    #expect(setup["relu_b|OUTPUT"]?.specification.parameterShape == [4])
    #expect(setup.unifiedScaleGroups.isEmpty)
  }

  @Test("the quantizer stays behind a concatenation with a constant, which would be left off the grid")
  func constantPart() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "a"), "relu")
    var graph = net.finished(net.conv(net.concatenation([x], "concat"), "c"))
    graph.nodes[2].inputs.append("padding")
    graph.constants["padding"] = .init(Tensor(repeating: 1, shape: [1, 4, 8, 8]), .fixed)
    graph.nodes[2].op = Concat(axis: 0)
    graph.inputs[0].type = TensorType([1, 4, 8, 8])
    #expect(try place(graph).activationIDs == ["input|OUTPUT", "concat|OUTPUT"])
  }
}
