import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("Activation quantizers move up to where they serve most")
struct PropagationTests {
  @Test("a fused convolution, batch norm and ReLU have no quantizer inside, and the network's output has none")
  func fusedChain() throws {
    var net = NetworkBuilder.small()
    var x = net.relu(net.batchNormalization(net.conv(net.input, "conv1"), "bn1"), "relu")
    x = net.conv(x, "conv2")
    #expect(try place(net.finished(x)).activationIDs == ["input|OUTPUT", "relu|OUTPUT"])
  }

  @Test("a residual add gets one quantizer on the identity, shared with the convolution, and one on the convolution branch")
  func residual() throws {
    var net = NetworkBuilder.small()
    let identity = net.relu(net.conv(net.input, "conv1"), "relu1")
    let branch = net.batchNormalization(net.conv(identity, "conv2"), "bn2")
    let x = net.relu(net.sum(branch, identity, "add"), "relu2")
    let setup = try place(net.finished(net.conv(x, "conv3")))
    #expect(setup.activationIDs == ["input|OUTPUT", "relu1|OUTPUT", "bn2|OUTPUT", "relu2|OUTPUT"])
    #expect(setup["relu1|OUTPUT"]?.quantizedOperators == ["conv2", "add"])
    #expect(setup.sharedInputGroups.contains { $0.contains("relu1|OUTPUT") && $0.contains("bn2|OUTPUT") && $0.contains("conv2|WEIGHT") })
  }

  @Test("operators that only move values are transparent")
  func transparent() throws {
    var net = NetworkBuilder.small()
    var x = net.maxPool(net.relu(net.conv(net.input, "conv1"), "relu"), "pool", kernel: 2, stride: 2)
    x = net.conv(net.add(Identity(), [net.dropout(x, "dropout", ratio: 0.5)], "identity"), "conv2")
    #expect(try place(net.finished(x)).activationIDs == ["input|OUTPUT", "relu|OUTPUT"])
  }

  @Test("a pooled and flattened image has a quantizer in front of the pooling and one behind it")
  func classifier() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv"), "relu")
    let logits = net.linear(net.flatten(net.globalAveragePool(x, "pool"), "flatten"), "fc", features: 3)
    #expect(try place(net.finished(logits)).activationIDs == ["input|OUTPUT", "relu|OUTPUT", "pool|OUTPUT"])
  }

  @Test("a reader in floating point keeps the quantizer on the other readers' side")
  func floatBranch() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    let float = net.add(Softmax(axis: 1), [x], "softmax")
    let setup = try place(net.finished(net.sum(net.conv(x, "conv2"), float, "add")))
    #expect(setup.activationIDs == ["input|OUTPUT", "softmax|OUTPUT", "conv2|INPUT0", "conv2|OUTPUT"])
  }

  @Test("a reader in floating point behind a pooling blocks as well")
  func floatBranchBehindPooling() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    let pooled = net.maxPool(x, "pool", kernel: 1, stride: 1)
    let float = net.add(Softmax(axis: 1), [pooled], "softmax")
    var graph = net.finished(net.conv(x, "conv2"))
    graph.outputs.append(float.name)
    #expect(try place(graph).activationIDs == ["input|OUTPUT", "conv2|INPUT0"])
  }

  @Test("an output of the network is a reader in floating point, unless outputs are quantized")
  func outputBranch() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    var graph = net.finished(net.conv(x, "conv2"))
    graph.outputs.append("relu")
    #expect(try place(graph).activationIDs == ["input|OUTPUT", "conv2|INPUT0"])
    #expect(try place(graph) { $0.quantizesOutputs = true }.activationIDs == ["input|OUTPUT", "relu|OUTPUT", "conv2|OUTPUT"])
  }

  @Test("a convolution whose output has another reader is not fused with its ReLU")
  func strictMatching() throws {
    var net = NetworkBuilder.small()
    let x = net.conv(net.input, "conv1")
    let sum = net.sum(net.relu(x, "relu"), net.conv(x, "conv2"), "add")
    let setup = try place(net.finished(sum))
    #expect(setup.activationIDs == ["input|OUTPUT", "relu|OUTPUT", "conv2|INPUT0", "conv2|OUTPUT"])
  }

  @Test("both inputs of x + x and of a product of activations are quantized")
  func sameOperandTwice() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    let setup = try place(net.finished(net.sum(x, x, "double")))
    #expect(setup.activationIDs == ["input|OUTPUT", "relu|OUTPUT"])

    var products = NetworkBuilder(name: "attention", input: [4, 4])
    let a = products.add(Sigmoid(), [products.input], "a")
    let b = products.add(HardSwish(), [products.input], "b")
    let product = try place(products.finished(products.add(MatMul(), [a, b], "product")))
    #expect(product.activationIDs == ["a|OUTPUT", "b|OUTPUT"])
    #expect(product.weightIDs.isEmpty)
  }

  @Test("integer tensors are never quantized")
  func integers() throws {
    let graph = Graph(
      name: "counts", inputs: [.init(name: "tokens", type: TensorType([.batch, 4, 2], .int32))], outputs: ["flat"],
      nodes: [Node(name: "flatten", op: Flatten(), inputs: ["tokens"], outputs: ["flat"])])
    #expect(try place(graph) { $0.quantizesOutputs = true }.points.isEmpty)
  }

  @Test("without quantized inputs the network's input stays in floating point, everything else as before")
  func plainInputs() throws {
    var net = NetworkBuilder.small()
    let graph = net.finished(net.conv(net.relu(net.conv(net.input, "conv1"), "relu"), "conv2"))
    let setup = try place(graph) { $0.quantizesInputs = false }
    #expect(setup.activationIDs == ["relu|OUTPUT"])
    #expect(setup.weightIDs == ["conv1|WEIGHT", "conv2|WEIGHT"])
  }

  @Test("a network that is quantized already is refused with the quantizer's name")
  func twice() throws {
    var net = NetworkBuilder.small()
    let graph = net.finished(net.conv(net.input, "conv1"))
    let quantized = try graph.inserting(place(graph))
    #expect { try place(quantized) } throws: { "\($0)".contains("quantized already") && "\($0)".contains("input|OUTPUT") }
  }
}
