import QATGraph

extension Add: ONNXWritable {}
extension Sub: ONNXWritable {}
extension Mul: ONNXWritable {}
extension Div: ONNXWritable {}
extension Pow: ONNXWritable {}
extension Max: ONNXWritable {}
extension Min: ONNXWritable {}
extension Mean: ONNXWritable {}
