import QATGraph
import QATTensor

/// What quantization saves of memory in weights and in the largest activation of one sample. Source: NNCF's memory consumption statistics.
public struct MemoryConsumption: Sendable, Hashable {
  /// Bits of all weights that could have quantizers, as float32.
  public var floatWeightBits = 0
  /// Bits of the same weights, each with the bit width of its quantizer; 32 an element where it has none.
  public var quantizedWeightBits = 0
  /// Bits of the largest tensor that an operator makes, as float32.
  public var largestFloatActivationBits = 0
  /// Bits of the largest tensor that an operator makes, each with the precision in which it comes about.
  public var largestQuantizedActivationBits = 0

  /// The consumption of nothing.
  public init() {}

  /// By what factor weights shrink; 1 when there are none.
  public var weightDecreaseFactor: Double {
    quantizedWeightBits == 0 ? 1 : Double(floatWeightBits) / Double(quantizedWeightBits)
  }

  /// Counts bits of a network with a setup.
  init(_ network: LiveGraph, _ setup: QuantizerSetup) {
    let weightBits = Dictionary(
      setup.weightPoints.flatMap { point in point.quantizedOperators.map { ($0, point.specification.bits) } }, uniquingKeysWith: max)
    count(weightsOf: network, weightBits)
    count(activationsOf: network, setup, weightBits)
  }

  /// A weight that several operators share counts once.
  private mutating func count(weightsOf network: LiveGraph, _ bits: [String: Int]) {
    var bitsOfWeight: [TensorName: Int] = [:]
    for (node, tensor) in network.weights { bitsOfWeight[tensor] = min(bitsOfWeight[tensor] ?? .max, bits[node.name] ?? Self.float) }
    for (tensor, bits) in bitsOfWeight {
      let count = network.types[tensor]?.shape(batchSize: 1).elementCount ?? 0
      floatWeightBits += Self.float * count
      quantizedWeightBits += bits * count
    }
  }

  /// A quantized output has its quantizer's precision. Other operators have that of their most precise operand, weights included.
  private mutating func count(activationsOf network: LiveGraph, _ setup: QuantizerSetup, _ weightBits: [String: Int]) {
    let quantizers = Dictionary(setup.activationPoints.map { ($0.target, $0.specification.bits) }, uniquingKeysWith: { first, _ in first })
    let weighted = Set(network.weights.map(\.node.name))
    var precision: [TensorName: Int] = [:]
    for input in network.graph.inputs { precision[input.name] = quantizers[QuantizationTarget(.networkInput, input.name)] ?? Self.float }
    for node in network.graph.nodes where network.isLive(node) {
      let incoming = node.inputs.enumerated().compactMap { port, tensor in
        precision[tensor].map { quantizers[QuantizationTarget(.input, node.name, port: port)] ?? $0 }
      }
      let operands = weighted.contains(node.name) ? incoming + [weightBits[node.name] ?? Self.float] : incoming
      let bits = quantizers[QuantizationTarget(.output, node.name)] ?? operands.max() ?? Self.float
      for output in node.outputs {
        precision[output] = bits
        let count = network.types[output]?.shape(batchSize: 1).elementCount ?? 0
        largestFloatActivationBits = max(largestFloatActivationBits, Self.float * count)
        largestQuantizedActivationBits = max(largestQuantizedActivationBits, bits * count)
      }
    }
  }

  private static let float = 32
}

extension LiveGraph {
  /// The constants that could have weight quantizers, with the operators that read them; ignored ones included.
  var weights: [(node: Node, tensor: TensorName)] {
    zip(graph.nodes, classes).filter { isLive($0.0) }.flatMap { node, operatorClass in
      node.inputs.enumerated().compactMap { port, tensor in
        let isWeight = operatorClass.weightPorts.contains(port) && !operatorClass.plainPorts.contains(port)
        return isWeight && !tensor.isEmpty && !liveTensors.contains(tensor) ? (node, tensor) : nil
      }
    }
  }
}
