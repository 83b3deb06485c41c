import QATGraph

/// One thing that a runtime computes: an operator together with what it merges into it.
protocol DeployedStep: Sendable {
  /// Tensors that it reads; constants of floats among them.
  var inputs: [TensorName] { get }
  /// Tensors that it makes.
  var outputs: [TensorName] { get }

  /// Computes the outputs from the inputs, both in their order.
  func run(_ inputs: [DeployedTensor]) -> [DeployedTensor]
}

extension DeployedStep {
  /// An input that is known to hold codes.
  func codes(_ inputs: [DeployedTensor], _ index: Int) -> [UInt8] {
    guard case .codes(let codes, _) = inputs[index].elements else {
      preconditionFailure("'\(self.inputs[index])' was compiled as codes")
    }
    return codes
  }
}
