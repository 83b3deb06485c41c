import QATGraph

extension Add: ONNXWritable {}
extension Mul: ONNXWritable {}
