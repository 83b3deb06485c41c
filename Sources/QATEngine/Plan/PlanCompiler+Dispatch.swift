import QATGraph

extension PlanCompiler {
  /// Appends the steps of one node: by its fast path when it has one, else over the plain kernels.
  func compile(_ node: Node, at index: Int) throws {
    let done =
      switch node.op {
      case let op as Convolution: try convolution(op, node, index)
      case let op as BatchNormalization: try batchNormalization(op, node, index)
      case is Relu, is Clip, is LeakyRelu, is Sigmoid, is HardSwish: try activation(node, index)
      case is Add: try addition(node, index)
      case is Mul: try multiplication(node, index)
      case let op as MaxPool: try pooling(.maximum, op.window, node, index)
      case let op as AveragePool: try pooling(op.countsPadding ? .averageWithPadding : .average, op.window, node, index)
      case is GlobalAveragePool: try globalAverage(node, index)
      case let op as ReduceMean: try reduceMean(op, node, index)
      case let op as Gemm: try gemm(op, node, index)
      case let op as Concat: try concatenation(op, node, index)
      case is Flatten, is Reshape: try reshaping(node, index)
      case is Identity: try identity(node, index)
      case is Dropout: try mode == .evaluation && identity(node, index)
      case let op as FakeQuantize: try fakeQuantization(op, node, index)
      default: false
      }
    if !done { try plainKernel(node, index) }
  }
}
