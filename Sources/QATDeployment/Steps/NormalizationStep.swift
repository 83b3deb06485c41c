import QATGraph
import QATLowering

/// A batch norm that no layer takes up, from codes to codes: with the rectifier and the quantizer behind it a table of 256 codes for each channel.
struct NormalizationStep: DeployedStep {
  let inputs: [TensorName]
  let outputs: [TensorName]
  let grid: ActivationCodes
  /// For each channel the code that each code becomes.
  let tables: [[UInt8]]

  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor] {
    let source = codes(inputs, 0)
    let plane = inputs[0].shape.dropFirst(2).reduce(1, *)
    let result = [UInt8](unsafeUninitializedCapacity: source.count) { result, count in
      count = source.count
      for (row, first) in stride(from: 0, to: source.count, by: plane).enumerated() {
        let table = tables[row % tables.count]
        for index in first..<first + plane { result[index] = table[Int(source[index])] }
      }
    }
    return [DeployedTensor(shape: inputs[0].shape, elements: .codes(result, grid))]
  }
}
