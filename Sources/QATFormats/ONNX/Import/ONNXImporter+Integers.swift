import QATGraph
import QATImporting
import QATTensor

/// Arithmetic on integers and truth values. The engine computes in floating point, where whole numbers up to 2²⁴ are exact: integers are converted, and the
/// result cut back to what the file's operator gives.
extension ONNXImporter {
  /// The element type of the result when `op` computes numbers and some input is none in floating point; nil otherwise.
  static func convertedResult(of op: any Operator, _ types: [ElementType]) -> ElementType? {
    guard types.contains(where: { $0 != .float32 }),
      op is any BroadcastingOperator || op is any VariadicOperator || op is any ReductionOperator
        || (op is any ElementwiseOperator && !(op is Identity))
    else { return nil }
    return types.first
  }

  /// Adds the nodes of such an operator.
  mutating func emitConverted(
    _ op: any Operator, _ inputs: [TensorName], to result: ElementType, _ node: ONNXImportNode, output index: Int
  ) throws(ONNXError) {
    var numbers: [TensorName] = []
    for input in inputs {
      let isFloat = types[input]?.elementType == .float32
      numbers.append(isFloat ? input : try emitHelper(Cast(to: .float32), [input], "numbers", node))
    }
    guard result != .float32 else { return try emit(op, numbers, node, output: index) }
    try emit(Cast(to: result), [try emitHelper(op, numbers, "result", node)], node, output: index)
  }

  /// Computes such an operator on constants.
  /// - Throws: `ONNXError` when a number is too large to be exact.
  mutating func evaluateConverted(_ op: any Operator, _ constants: [Tensor], to result: ElementType, _ node: ONNXImportNode) throws(ONNXError)
    -> Tensor
  {
    var numbers: [Tensor] = []
    for constant in constants {
      guard let values = constant.exactFloats else { throw node.unsupported("numbers beyond 2^24 are not") }
      numbers.append(Tensor(values, shape: constant.shape))
    }
    do throws(ShapeError) {
      guard let value = try assembly.evaluate(op, numbers), let cut = result == .float32 ? value : try assembly.evaluate(Cast(to: result), [value])
      else { throw ShapeError("it computes an integer that is too large") }
      return cut
    } catch {
      throw node.error(error.description)
    }
  }
}

extension Tensor {
  /// The elements as float32 where that is exact: floating-point numbers, truth values and integers up to 2²⁴; nil otherwise.
  fileprivate var exactFloats: [Float]? {
    if let floats { return floats }
    if case .bool(let values) = elements { return values.map { $0 ? 1 : 0 } }
    guard let integers, integers.allSatisfy({ $0.magnitude <= 1 << 24 }) else { return nil }
    return integers.map { Float($0) }
  }
}
