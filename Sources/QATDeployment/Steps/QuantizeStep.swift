import QATGraph
import QATLowering

/// Floats become codes.
struct QuantizeStep: DeployedStep {
  let inputs: [TensorName]
  let outputs: [TensorName]
  let grid: ActivationCodes
  let quantization: Quantization

  init(_ input: TensorName, _ output: TensorName, _ grid: ActivationCodes, _ arithmetic: any RuntimeArithmetic) {
    inputs = [input]
    outputs = [output]
    self.grid = grid
    quantization = arithmetic.quantization(to: grid)
  }

  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor] {
    let input = inputs[0]
    if case .codes(let codes, grid) = input.elements { return [DeployedTensor(shape: input.shape, elements: .codes(codes, grid))] }
    let values = input.values.elements
    let codes = [UInt8](unsafeUninitializedCapacity: values.count) { codes, count in
      count = values.count
      guard let base = codes.baseAddress else { return }
      values.withUnsafeBufferPointer { quantization($0, base) }
    }
    return [DeployedTensor(shape: input.shape, elements: .codes(codes, grid))]
  }
}
