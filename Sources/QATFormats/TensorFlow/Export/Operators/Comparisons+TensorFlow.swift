import QATGraph
import QATTensor

/// A question about two tensors that TensorFlow has an operator for.
protocol TensorFlowComparison: TensorFlowWritable, ComparisonOperator {
  static var tensorFlowType: String { get }
}

extension TensorFlowComparison {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (inputs, layout) = try writer.operands(node)
    let isLogical = self is any LogicalOperator && Self.tensorFlowType != "NotEqual"
    writer.emit(
      Self.tensorFlowType, inputs, layout, node, isLogical ? [] : [.type("T", writer.type(of: node.inputs[0]).elementType.tensorFlowType)])
  }
}

extension Equal: TensorFlowComparison {
  static var tensorFlowType: String { "Equal" }
}

extension Less: TensorFlowComparison {
  static var tensorFlowType: String { "Less" }
}

extension LessOrEqual: TensorFlowComparison {
  static var tensorFlowType: String { "LessEqual" }
}

extension Greater: TensorFlowComparison {
  static var tensorFlowType: String { "Greater" }
}

extension GreaterOrEqual: TensorFlowComparison {
  static var tensorFlowType: String { "GreaterEqual" }
}

extension And: TensorFlowComparison {
  static var tensorFlowType: String { "LogicalAnd" }
}

extension Or: TensorFlowComparison {
  static var tensorFlowType: String { "LogicalOr" }
}

extension Xor: TensorFlowComparison {
  static var tensorFlowType: String { "NotEqual" }
}

extension Not: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (x, layout) = try writer.input(node)
    writer.emit("LogicalNot", [x], layout, node)
  }
}
