import QATEngine
import QATGraph
import QATLowering
import RealModule

/// An operator that a runtime computes in floating point, or that only moves codes: the plain kernel on the values.
///
/// Where values were only moved, their codes are found again exactly, since each value is a code's.
struct FloatStep: DeployedStep {
  let inputs: [TensorName]
  let outputs: [TensorName]
  let kernel: any ReferenceKernel
  /// Storage of the output when its values were only moved.
  let moved: ActivationCodes?
  let batchSize: Int

  init(_ node: Node, moved: ActivationCodes?, batchSize: Int) throws(GraphError) {
    inputs = node.inputs
    outputs = node.outputs
    kernel = try requireKernel(for: node)
    self.moved = moved
    self.batchSize = batchSize
  }

  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor] {
    let arrays: [NDArray<Float>?] = zip(self.inputs, inputs).map { $0.isEmpty ? nil : $1.values }
    let result = kernel.forwardInFloat(arrays, KernelContext(mode: .evaluation, batchSize: batchSize))
    return result.outputs.map { array in
      guard let moved else { return DeployedTensor(shape: array.shape, elements: .floats(array.elements)) }
      return DeployedTensor(shape: array.shape, elements: .codes(array.elements.map { UInt8(moved.code($0)) }, moved))
    }
  }
}
