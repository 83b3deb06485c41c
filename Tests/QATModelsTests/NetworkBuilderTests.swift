import QATGraph
import QATModels
import QATTensor
import Testing

@Suite struct NetworkBuilderTests {
  @Test func namesNodesTensorsAndParametersAfterTheLayer() throws {
    var net = NetworkBuilder(name: "n", input: [3, 8, 8], inputName: "image")
    var x = net.convolution(net.input, "a.conv", channels: 4, kernel: 3, stride: 2, pad: 1, hasBias: true)
    x = net.relu6(net.batchNormalization(x, "a.bn"), "a.act")
    let graph = try net.graph(output: x).validated()
    #expect(graph.nodes.map(\.name) == ["a.conv", "a.bn", "a.act"])
    #expect(graph.nodes[0].inputs == ["image", "a.conv.weight", "a.conv.bias"])
    #expect(graph.nodes[1].inputs == ["a.conv", "a.bn.weight", "a.bn.bias", "a.bn.running_mean", "a.bn.running_var"])
    #expect(graph.constants["a.bn.running_var"]?.role == .statistic)
    #expect(graph.constants["a.conv.weight"]?.role == .parameter)
    #expect(x.type == TensorType([.batch, 4, 4, 4]))
    #expect(graph.outputs == ["a.act"])
  }

  @Test func renamesTheOutputWhereverItIsUsed() throws {
    var net = NetworkBuilder(name: "n", input: [2, 4, 4])
    let a = net.relu(net.input, "a")
    _ = net.sum(a, a, "b")
    let graph = try net.graph(output: a, named: "y").validated()
    #expect(graph.outputs == ["y"])
    #expect(graph.nodes[1].inputs == ["y", "y"])
  }

  @Test func buildsEveryLayer() throws {
    var net = NetworkBuilder(name: "n", input: [2, 8, 8])
    let left = net.maxPool(net.input, "max", kernel: 3, stride: 2, pad: 1)
    let right = net.averagePool(net.input, "mean", kernel: 2, stride: 2)
    var x = net.concatenation([left, right], "cat")
    #expect(x.type == TensorType([.batch, 4, 4, 4]))
    x = net.dropout(net.flatten(net.globalAveragePool(x, "gap"), "flat"), "drop", ratio: 0.1)
    x = net.linear(x, "fc", features: 5)
    #expect(x.type == TensorType([.batch, 5]))
    try net.graph(output: x).validated()
  }

  @Test func aStrideThatDoesNotFitIsTheProgramsMistake() async {
    await #expect(processExitsWith: .failure) {
      var net = NetworkBuilder(name: "n", input: [2, 2, 2])
      _ = net.convolution(net.input, "conv", channels: 1, kernel: 5)
    }
  }
}
