import QATGraph

extension Exp: ONNXWritable {}
extension Log: ONNXWritable {}
extension Sqrt: ONNXWritable {}
extension Reciprocal: ONNXWritable {}
extension Neg: ONNXWritable {}
extension Abs: ONNXWritable {}
extension Tanh: ONNXWritable {}
extension Erf: ONNXWritable {}
