import QATLowering

/// What a layer's accumulators become.
enum ProductResult: Sendable {
  case codes(Requantization, ActivationCodes)
  case floats(Dequantization)
  /// Codes of the sum with another tensor, which the layer reads as its last input.
  case residual(Residual, ActivationCodes)

  /// A tensor to be filled piece by piece, and the function that turns it into a `DeployedTensor`.
  func filled(count: Int, shape: [Int], skip: [UInt8]?, _ fill: (Writer) -> Void) -> DeployedTensor {
    switch self {
    case .codes(let requantize, let grid):
      return DeployedTensor(
        shape: shape,
        elements: .codes(
          Self.array(count) { base in
            fill { channel, sums, offset in requantize(channel, sums, base + offset) }
          }, grid))
    case .floats(let dequantize):
      return DeployedTensor(
        shape: shape,
        elements: .floats(
          Self.array(count) { base in
            fill { channel, sums, offset in dequantize(channel, sums, base + offset) }
          }))
    case .residual(let add, let grid):
      let skip = skip ?? []
      precondition(skip.count == count, "a layer is added to codes of another shape")
      return skip.withUnsafeBufferPointer { skip in
        DeployedTensor(
          shape: shape,
          elements: .codes(
            Self.array(count) { base in
              guard let skip = skip.baseAddress else { return }
              fill { channel, sums, offset in add(channel, sums, skip + offset, base + offset) }
            }, grid))
      }
    }
  }

  /// Writes what the accumulators of a channel become, `offset` elements behind the beginning of the result.
  typealias Writer = (_ channel: Int, _ sums: UnsafeBufferPointer<Int32>, _ offset: Int) -> Void

  private static func array<Element>(_ count: Int, _ fill: (UnsafeMutablePointer<Element>) -> Void) -> [Element] {
    [Element](unsafeUninitializedCapacity: count) { elements, filled in
      if let base = elements.baseAddress { fill(base) }
      filled = count
    }
  }
}
