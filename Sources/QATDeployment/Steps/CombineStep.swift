import QATGraph
import QATLowering

/// Two tensors of codes of one shape become one, element by element.
struct CombineStep: DeployedStep {
  let inputs: [TensorName]
  let outputs: [TensorName]
  let grid: ActivationCodes
  let combination: Combination

  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor] {
    let a = codes(inputs, 0)
    let b = codes(inputs, 1)
    precondition(a.count == b.count, "codes of unlike shapes are combined")
    let result = [UInt8](unsafeUninitializedCapacity: a.count) { result, count in
      count = a.count
      guard let base = result.baseAddress else { return }
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          if let b = b.baseAddress { combination(a, b, base) }
        }
      }
    }
    return [DeployedTensor(shape: inputs[0].shape, elements: .codes(result, grid))]
  }
}
