import QATGraph

extension Gemm: ONNXWritable {
  var attributes: [ONNXAttributeProto] {
    [.float("alpha", alpha), .float("beta", beta), .flag("transA", transposesA), .flag("transB", transposesB)]
  }
}

extension MatMul: ONNXWritable {}
