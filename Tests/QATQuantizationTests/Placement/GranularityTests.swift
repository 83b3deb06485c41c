import QATGraph
import QATModels
import QATTensor
import Testing

@testable import QATQuantization

@Suite("Quantizers are per-channel where the device allows it")
struct GranularityTests {
  @Test("the input of a depthwise convolution is quantized per channel on axis 1")
  func depthwise() throws {
    var net = NetworkBuilder.small()
    let x = net.relu6(net.conv(net.input, "conv", channels: 6), "relu6")
    let setup = try place(net.finished(net.conv(x, "depthwise", channels: 6, groups: 6)))
    let point = try #require(setup["relu6|OUTPUT"])
    #expect(point.specification.channelAxis == 1)
    #expect(point.specification.parameterShape == [6])
  }

  @Test("a grouped convolution is no depthwise one")
  func grouped() throws {
    var net = NetworkBuilder.small()
    let setup = try place(net.finished(net.conv(net.input, "conv", channels: 4, groups: 2)))
    #expect(setup["input|OUTPUT"]?.specification.channelAxis == nil)
  }

  @Test("a depthwise convolution that shares its input with another operator takes a per-tensor quantizer")
  func mergedWithPerTensor() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv"), "relu")
    let sum = net.sum(net.conv(x, "depthwise", groups: 4), x, "add")
    #expect(try place(net.finished(sum))["relu|OUTPUT"]?.specification.channelAxis == nil)
  }

  @Test("two depthwise convolutions share a per-channel quantizer")
  func mergedDepthwise() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv"), "relu")
    let sum = net.sum(net.conv(x, "a", groups: 4), net.conv(x, "b", groups: 4), "add")
    #expect(try place(net.finished(sum))["relu|OUTPUT"]?.specification.channelAxis == 1)
  }

  @Test("per-tensor activations can be demanded")
  func demanded() throws {
    var net = NetworkBuilder.small()
    let graph = net.finished(net.conv(net.input, "depthwise", groups: 4))
    #expect(try place(graph) { $0.activations.demands.perChannel = false }["input|OUTPUT"]?.specification.channelAxis == nil)
  }

  @Test("per-channel activations that the device does not have are refused with the operator's name")
  func refused() throws {
    var net = NetworkBuilder.small()
    let graph = net.finished(net.conv(net.input, "conv"))
    #expect { try place(graph) { $0.activations.demands.perChannel = true } } throws: {
      "\($0)".contains("'conv'") && "\($0)".contains("per-channel") && "\($0)".contains("activations")
    }
  }

  @Test("the order of merged options: sum of positions, then bits, then per-tensor, then symmetric")
  func mergedOrder() {
    let tensor = QuantizerOption()
    let channel = QuantizerOption(perChannel: true)
    let asymmetric = QuantizerOption(mode: .asymmetric)
    let four = QuantizerOption(bits: 4)
    #expect([QuantizerOption].merged([[channel, tensor, asymmetric], [tensor, asymmetric]]) == [tensor, asymmetric])
    #expect([QuantizerOption].merged([[four, tensor], [tensor, four]]) == [tensor, four])
    #expect([QuantizerOption].merged([[channel, tensor], [tensor, channel]]) == [tensor, channel])
    #expect([QuantizerOption].merged([[asymmetric, tensor], [tensor, asymmetric]]) == [tensor, asymmetric])
    #expect([QuantizerOption].merged([[four], [tensor]]).isEmpty)
    #expect([QuantizerOption].merged([]).isEmpty)
  }
}
