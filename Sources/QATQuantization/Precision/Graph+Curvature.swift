import QATGraph
import QATTensor

extension Graph {
  /// The network whose curvature is measured: as in evaluation, batch norm by its running statistics and dropout passing everything on, but with gradients, and of
  /// `weights` alone. So the loss of a sample does not depend on the others of its batch.
  func prepared(forCurvatureOf weights: Set<TensorName>) -> Graph {
    var result = withoutDropout
    for (name, constant) in constants {
      if weights.contains(name) {
        result.constants[name]?.role = .parameter
      } else if constant.role == .parameter {
        result.constants[name]?.role = .fixed
      }
    }
    for (index, node) in result.nodes.enumerated() {
      guard var op = node.as(BatchNormalization.self) else { continue }
      op.isFrozen = true
      result.nodes[index].op = op
    }
    return result
  }
}
