import QATGraph

extension Exp: ONNXWritable {}
extension Log: ONNXWritable {}
extension Sqrt: ONNXWritable {}
extension Reciprocal: ONNXWritable {}
extension Neg: ONNXWritable {}
extension Abs: ONNXWritable {}
extension Tanh: ONNXWritable {}
extension Erf: ONNXWritable {}
extension Sin: ONNXWritable {}
extension Cos: ONNXWritable {}
extension Floor: ONNXWritable {}
extension Ceil: ONNXWritable {}
extension Round: ONNXWritable {}
extension Sign: ONNXWritable {}
