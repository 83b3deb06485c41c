import QATGraph
import QATLowering

/// The mean of each channel's codes becomes a code.
struct AverageStep: DeployedStep {
  let inputs: [TensorName]
  let outputs: [TensorName]
  let grid: ActivationCodes
  let average: Average
  /// Elements of a channel.
  let plane: Int

  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor] {
    let source = codes(inputs, 0)
    let shape = inputs[0].shape
    let result = stride(from: 0, to: source.count, by: plane).map { start in average(source[start..<start + plane].reduce(0) { $0 + Int($1) }) }
    return [DeployedTensor(shape: shape[..<2] + shape[2...].map { _ in 1 }, elements: .codes(result, grid))]
  }
}
