import QATLowering

/// A layer's weight as the products read it: for each output channel its codes in one row.
struct IntegerWeights: Sendable {
  /// [outputs, length].
  let rows: [Int16]
  let outputs: Int
  /// Products of one accumulator.
  let length: Int

  /// Rows this long cannot leave 32 bits: 255 · 128 · 65,536 < 2³¹.
  static let longest = 65_536

  /// The rows of a convolution's or linear layer's weight. The output channels are the first axis or, of a matrix, the last.
  init(_ weight: QuantizedWeight) {
    outputs = weight.shape[weight.channelAxis]
    let length = weight.codes.count / max(outputs, 1)
    self.length = length
    if weight.channelAxis == 0 {
      rows = weight.codes.map(Int16.init)
    } else {
      let outputs = outputs
      rows = (0..<outputs).flatMap { output in (0..<length).map { Int16(weight.codes[$0 * outputs + output]) } }
    }
  }
}
