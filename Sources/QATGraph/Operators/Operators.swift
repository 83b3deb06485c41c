/// Every operator of the graph: the one list that tests, documentation and messages go through.
public let allOperators: [any Operator.Type] = [
  Convolution.self, BatchNormalization.self, Relu.self, Clip.self, LeakyRelu.self, Sigmoid.self, HardSwish.self, Add.self, Mul.self, Concat.self,
  MaxPool.self, AveragePool.self, GlobalAveragePool.self, ReduceMean.self, Gemm.self, MatMul.self, Flatten.self, Reshape.self, Transpose.self,
  Softmax.self, Dropout.self, Identity.self, FakeQuantize.self,
]
