import CVectorKernels
import QATGraph

/// A linear layer of codes: [..., length] becomes [..., outputs].
struct LinearStep: DeployedStep {
  let inputs: [TensorName]
  let outputs: [TensorName]
  let weights: IntegerWeights
  let inputZeroPoint: Int
  let result: ProductResult

  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor] {
    let source = codes(inputs, 0)
    let rowCount = source.count / weights.length
    return [
      result.filled(count: rowCount * weights.outputs, shape: inputs[0].shape.dropLast() + [weights.outputs], skip: nil) { write in
        parallel(rowCount) { row in multiply(row, source, write) }
      }
    ]
  }

  private func multiply(_ row: Int, _ source: [UInt8], _ write: ProductResult.Writer) {
    let length = weights.length
    withUnsafeTemporaryAllocation(of: Int16.self, capacity: length) { values in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: weights.outputs) { sums in
        for index in 0..<length { values[index] = Int16(source[row * length + index]) - Int16(inputZeroPoint) }
        weights.rows.withUnsafeBufferPointer { weights in
          qat_integer_products(values.baseAddress, weights.baseAddress, 1, self.weights.outputs, length, sums.baseAddress)
        }
        for output in 0..<weights.outputs {
          write(output, UnsafeBufferPointer(rebasing: sums[output..<output + 1]), row * weights.outputs + output)
        }
      }
    }
  }
}
