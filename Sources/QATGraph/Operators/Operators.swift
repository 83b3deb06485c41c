/// Every operator of the graph: the one list that tests and documentation go through. Families in the order of their files, one line an operator.
public let allOperators: [any Operator.Type] = [
  Convolution.self,
  MaxPool.self,
  AveragePool.self,
  GlobalAveragePool.self,

  BatchNormalization.self,

  Relu.self,
  Clip.self,
  LeakyRelu.self,
  Sigmoid.self,
  HardSwish.self,
  Elu.self,
  Selu.self,
  Celu.self,
  ThresholdedRelu.self,
  HardSigmoid.self,
  Gelu.self,
  Swish.self,
  Mish.self,
  Softplus.self,
  Softsign.self,
  Softmax.self,
  Dropout.self,
  Identity.self,

  Exp.self,
  Log.self,
  Sqrt.self,
  Reciprocal.self,
  Neg.self,
  Abs.self,
  Tanh.self,
  Erf.self,

  Add.self,
  Mul.self,

  ReduceMean.self,

  Gemm.self,
  MatMul.self,

  Concat.self,
  Flatten.self,
  Reshape.self,
  Transpose.self,

  FakeQuantize.self,
]
