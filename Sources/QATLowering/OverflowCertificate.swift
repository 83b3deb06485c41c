import QATGraph
import QATTensor

/// How large the sums of an integer layer can become for any input at all: proven from its codes, not measured.
public struct OverflowCertificate: Sendable, Hashable, Codable {
  /// The layer's name.
  public var layer: String
  /// Largest magnitude of the sum of two products that a processor without VNNI adds in 16 bits; nil where each product is added alone.
  public var pairSum: Int?
  /// Largest magnitude of an accumulator, before and after the input's zero-point is taken out, and with the bias.
  public var accumulator: Int
  /// Largest magnitude of an accumulator without the input's zero-point, alone or with the bias: what floats hold between two roundings.
  public var exactSum: Int

  /// What a signed sum of 16 bits holds on both sides.
  public static let pairLimit = Int(Int16.max)
  /// What an accumulator holds on both sides.
  public static let accumulatorLimit = Int(Int32.max)

  /// Whole numbers up to here are float32's.
  public static let floatLimit = 1 << 24

  /// Whether the sum of two products never saturates.
  public var fitsPairs: Bool { pairSum.map { $0 <= Self.pairLimit } ?? true }
  /// Whether the accumulator never overflows.
  public var fitsAccumulator: Bool { accumulator <= Self.accumulatorLimit }
  /// Whether the layer computes the same integers on every processor.
  public var isProven: Bool { fitsPairs && fitsAccumulator }

  /// Whether float32 holds every sum exactly for any input, in whatever order it is added up: fake quantization in floats then gives the sums of integers.
  public var isExactInFloats: Bool { exactSum < Self.floatLimit }

  /// What can go wrong, and what prevents it, in one sentence; of a layer that is not proven.
  public var warning: String {
    guard fitsAccumulator else {
      return
        "\(layer): sums may reach \(accumulator), more than the \(Self.accumulatorLimit) of an accumulator; use fewer bits for its weight or its input"
    }
    return "\(layer): sums of two products may reach \(pairSum ?? 0) and saturate at \(Self.pairLimit) on processors without VNNI; train with "
      + "\"overflow_fix\": \"pairwise\" or \"enable\" if it is to run on such"
  }
}

extension LoweredGraph {
  /// A certificate for each integer layer, in node order.
  public var overflowCertificates: [OverflowCertificate] {
    let nodes = Dictionary(simulation.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return integerLayers.compactMap { layer in
      guard let node = nodes[layer.name], let weight = weights[layer.weight], let input = activations[layer.input] else { return nil }
      let pairing = node.weightPairing(port: 1, shape: weight.shape)
      let sums = weight.largestSums(input, biases: layer.bias.flatMap { biases[$0]?.codes } ?? [])
      return OverflowCertificate(
        layer: layer.name, pairSum: pairing.map { weight.largestPairSum($0) * input.range.upperBound }, accumulator: sums.accumulator,
        exactSum: sums.exact)
    }
  }
}

extension QuantizedWeight {
  /// Largest magnitude of q₁ · w₁ + q₂ · w₂ over neighbours and q in 0...1, which is a corner: the sum of those of one sign.
  fileprivate func largestPairSum(_ pairing: WeightPairing) -> Int {
    let neighbours = pairing.neighbours(shape: shape)
    let stride = shape.rowMajorStrides[pairing.outputAxis]
    var largest = 0
    for first in Swift.stride(from: 0, to: shape[pairing.outputAxis] * stride, by: Swift.max(stride, 1)) {
      for (a, b) in neighbours {
        let (x, y) = (Int(codes[first + a]), Int(codes[first + b]))
        largest = Swift.max(largest, Swift.max(x, 0) + Swift.max(y, 0), -Swift.min(x, 0) - Swift.min(y, 0))
      }
    }
    return largest
  }

  /// Largest magnitude of Σ (q − z) · w with and without the bias over all inputs, and of these and Σ q · w.
  fileprivate func largestSums(_ input: ActivationCodes, biases: [Int32]) -> (exact: Int, accumulator: Int) {
    let inner = shape[(channelAxis + 1)...].reduce(1, *)
    let channels = shape[channelAxis]
    var positive = [Int](repeating: 0, count: channels)
    var negative = positive
    for (index, code) in codes.enumerated() {
      let channel = index / inner % channels
      if code > 0 { positive[channel] += Int(code) } else { negative[channel] -= Int(code) }
    }
    let (above, below) = (input.range.upperBound - input.zeroPoint, input.zeroPoint - Swift.min(input.range.lowerBound, input.zeroPoint))
    var (exact, raw) = (0, 0)
    for channel in 0..<channels {
      raw = Swift.max(raw, input.range.upperBound * Swift.max(positive[channel], negative[channel]))
      let centred = Swift.max(above * positive[channel] + below * negative[channel], below * positive[channel] + above * negative[channel])
      exact = Swift.max(exact, centred + Int(biases.isEmpty ? 0 : biases[channel % biases.count].magnitude))
    }
    return (exact, Swift.max(exact, raw))
  }
}
