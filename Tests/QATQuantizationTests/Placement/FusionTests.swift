import QATGraph
import QATModels
import QATTensor
import Testing

@testable import QATQuantization

@Suite("Operators that run as one have no quantizer inside")
struct FusionTests {
  private static let activations: [any Operator] = [Relu(), Clip(lower: 0, upper: 6), LeakyRelu(), Sigmoid(), HardSwish()]

  @Test("a convolution is fused with every activation", arguments: activations.indices)
  func activation(_ index: Int) throws {
    var net = NetworkBuilder.small()
    let x = net.add(Self.activations[index], [net.conv(net.input, "conv1")], "act")
    #expect(try place(net.finished(net.conv(x, "conv2"))).activationIDs == ["input|OUTPUT", "act|OUTPUT"])
  }

  @Test("a convolution is fused with arithmetic on constants, before and after the activation")
  func arithmetic() throws {
    var net = NetworkBuilder.small()
    var x = net.relu(net.withConstant(Add(), net.conv(net.input, "conv1"), "bias"), "relu")
    x = net.withConstant(Mul(), x, "scale")
    #expect(try place(net.finished(net.conv(x, "conv2"))).activationIDs == ["input|OUTPUT", "scale|OUTPUT"])
  }

  @Test("an add of two activations is fused with its ReLU but not with the convolution before it")
  func residual() throws {
    var net = NetworkBuilder.small()
    let sum = net.relu(net.sum(net.conv(net.input, "a"), net.conv(net.input, "b"), "add"), "relu")
    #expect(try place(net.finished(net.conv(sum, "c"))).activationIDs == ["input|OUTPUT", "a|OUTPUT", "b|OUTPUT", "relu|OUTPUT"])
  }

  @Test("x · sigmoid(x) is an activation")
  func swish() throws {
    var net = NetworkBuilder.small()
    let x = net.batchNormalization(net.conv(net.input, "conv1"), "bn")
    let y = net.add(Mul(), [x, net.add(Sigmoid(), [x], "sigmoid")], "swish")
    #expect(try place(net.finished(net.conv(y, "conv2"))).activationIDs == ["input|OUTPUT", "swish|OUTPUT"])
  }

  @Test("x · clip(x + 3, 0, 6) is an activation, with or without a sixth, before or after the product", arguments: [nil, false, true])
  func hardSwish(_ scalesFirst: Bool?) throws {
    var net = NetworkBuilder.small()
    let x = net.conv(net.input, "conv1")
    var gate = net.relu6(net.withConstant(Add(), x, "three"), "clip")
    if scalesFirst == true { gate = net.withConstant(Mul(), gate, "sixth") }
    var y = net.add(Mul(), [x, gate], "swish")
    if scalesFirst == false { y = net.withConstant(Mul(), y, "sixth") }
    let expected = scalesFirst == false ? "sixth|OUTPUT" : "swish|OUTPUT"
    #expect(try place(net.finished(net.conv(y, "conv2"))).activationIDs == ["input|OUTPUT", expected])
  }

  @Test("arithmetic on the network's input belongs to the input")
  func preprocessing() throws {
    var net = NetworkBuilder.small()
    let x = net.withConstant(Add(), net.withConstant(Mul(), net.input, "scale"), "shift")
    #expect(try place(net.finished(net.conv(x, "conv"))).activationIDs == ["shift|OUTPUT"])
  }

  @Test("a batch norm that nothing precedes is quantized at its input and fused with its ReLU")
  func loneBatchNorm() throws {
    var net = NetworkBuilder.small()
    let pooled = net.maxPool(net.relu(net.conv(net.input, "conv1"), "relu1"), "pool", kernel: 2, stride: 2)
    let x = net.relu(net.batchNormalization(pooled, "bn"), "relu2")
    #expect(try place(net.finished(net.conv(x, "conv2"))).activationIDs == ["input|OUTPUT", "relu1|OUTPUT", "relu2|OUTPUT"])
  }

  @Test("every elementwise operator on a constant that stands alone is left in floating point", arguments: [0, 1, 2, 3, 4])
  func needlessElementwise(index: Int) throws {
    let op: any Operator = [Max(), Min(), Sub(), Div(), Greater()][index]
    var net = NetworkBuilder.small()
    let softmax = net.add(Softmax(axis: 1), [net.conv(net.input, "conv1")], "softmax")
    #expect(try place(net.finished(net.withConstant(op, softmax, "op"))).activationIDs == ["input|OUTPUT"])
  }

  @Test("arithmetic with a constant that stands alone gets no quantizer of its own, unless another operator wants the same")
  func needless() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    let scaled = net.withConstant(Mul(), x, "scale")
    var graph = net.finished(net.conv(scaled, "conv2"))
    // Relu and Mul do not fuse without a convolution before them that owns both.
    graph.nodes.insert(Node(name: "pool", op: MaxPool(window: Window(square: 1)), inputs: ["relu"], outputs: ["pool"]), at: 2)
    let scale = try #require(graph.nodes.firstIndex { $0.name == "scale" })
    graph.nodes[scale].inputs[0] = "pool"
    let kept = try place(graph)
    #expect(kept.activationIDs == ["input|OUTPUT", "relu|OUTPUT", "scale|OUTPUT"])

    var direct = NetworkBuilder.small()
    let softmax = direct.add(Softmax(axis: 1), [direct.conv(direct.input, "conv1")], "softmax")
    let product = direct.withConstant(Mul(), softmax, "scale")
    #expect(try place(direct.finished(direct.conv(product, "conv2"))).activationIDs == ["input|OUTPUT", "scale|OUTPUT"])

    var shared = NetworkBuilder.small()
    let both = shared.add(Softmax(axis: 1), [shared.conv(shared.input, "conv1")], "softmax")
    let sum = shared.sum(shared.conv(shared.withConstant(Mul(), both, "scale"), "conv2"), both, "add")
    #expect(try place(shared.finished(sum)).activationIDs == ["input|OUTPUT", "softmax|OUTPUT", "scale|OUTPUT", "conv2|OUTPUT"])
  }

  @Test("every operator has a class, and patterns are tried longest first")
  func tables() {
    for type in allOperators { #expect(OperatorClass.rows[type.type] != nil, "\(type.type)") }
    #expect(OperatorClass.rows.count == allOperators.count)
    let lengths = FusedPattern.all.map(\.nodeCount)
    #expect(lengths == lengths.sorted(by: >))
    #expect(Set(FusedPattern.all).count == FusedPattern.all.count)
  }
}
