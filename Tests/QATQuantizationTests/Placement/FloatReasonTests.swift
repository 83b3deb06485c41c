import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("Every operator without quantizers has a reason")
struct FloatReasonTests {
  private let network: Graph = {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu1")
    return net.finished(net.add(Softmax(axis: 1), [net.relu(net.conv(x, "conv2"), "relu2")], "softmax"))
  }()

  @Test("what computes on integers has none")
  func none() throws {
    #expect(try placement(network).floatReasons == ["softmax": "Softmax is computed in floating point on every device"])
  }

  @Test("a scope, by its text and list, also for what runs as one with the operator")
  func scopes() throws {
    let ignored = try placement(network) { $0.ignoredScopes = ["{re}2$"] }.floatReasons
    #expect(ignored["conv2"] == "the scope '{re}2$' of \"ignored_scopes\" ignores it")
    #expect(ignored["relu2"]?.hasPrefix("it runs as one with 'conv2', which stays in floating point") == true)
    let group = try placement(network) { $0.weights.ignoredScopes = ["conv2"] }.floatReasons
    #expect(group["conv2"] == "its weight is not quantized: the scope 'conv2' of \"weights.ignored_scopes\" ignores it")
    let targets = try placement(network) { $0.targetScopes = ["conv1"] }.floatReasons
    #expect(targets["conv2"] == "no scope of \"target_scopes\" holds it")
    #expect(targets["conv1"] == nil)
  }

  @Test("an input that is not to be quantized")
  func input() throws {
    let reasons = try placement(network) { $0.quantizesInputs = false }.floatReasons
    #expect(reasons["conv1"] == "it reads an input of the network, and \"quantize_inputs\" is false")
  }

  @Test("arithmetic whose quantizer would be needless")
  func needless() throws {
    var net = NetworkBuilder.small()
    let softmax = net.add(Softmax(axis: 1), [net.conv(net.input, "conv1")], "softmax")
    let reasons = try placement(net.finished(net.conv(net.withConstant(Mul(), softmax, "scale"), "conv2"))).floatReasons
    #expect(reasons["scale"]?.contains("computes with a constant") == true)
  }

  @Test("a join with a constant")
  func constant() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "a"), "relu")
    var graph = net.finished(net.conv(net.concatenation([x], "concat"), "c"))
    graph.nodes[2].inputs.append("padding")
    graph.constants["padding"] = .init(Tensor(repeating: 1, shape: [1, 4, 8, 8]), .fixed)
    graph.nodes[2].op = Concat(axis: 0)
    graph.inputs[0].type = TensorType([1, 4, 8, 8])
    #expect(try placement(graph).floatReasons["concat"]?.contains("joins computed values with a constant") == true)
  }

  @Test("a scope that ignores only the inside of a chain is a warning with the name to give")
  func insideChains() throws {
    let warnings = try placement(network) { $0.ignoredScopes = ["relu2", "conv1"] }.warnings
    #expect(warnings.count == 1)
    #expect(warnings.first?.contains("'relu2' has no effect: 'conv2', 'relu2' run as one operator, which is known by the name 'conv2'") == true)
    #expect(try placement(network).warnings.isEmpty)
  }
}
