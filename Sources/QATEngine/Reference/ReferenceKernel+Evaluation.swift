import QATGraph
import QATTensor
import RealModule

extension ReferenceKernel {
  /// Runs the plain kernel: in Float where everything is float32, else in Double, which holds integers up to 2^53.
  public func evaluate(_ inputs: [Tensor?]) -> [Tensor]? {
    guard let types = try? outputTypes(for: inputs.map { $0.map { TensorType($0) } }) else { return nil }
    guard types.allSatisfy({ $0.dimensions.allSatisfy { $0.fixedSize != nil } }) else { return nil }
    let context = KernelContext(mode: .evaluation)
    let isFloat = inputs.allSatisfy { $0?.elementType ?? .float32 == .float32 } && types.allSatisfy { $0.elementType == .float32 }
    if isFloat { return forwardInFloat(inputs.map { $0.map { NDArray<Float>($0) } }, context).outputs.map(\.tensor) }
    var result: [Tensor] = []
    for (array, type) in zip(forward(inputs.map { $0.map { NDArray<Double>($0) } }, context).outputs, types) {
      guard let elements = elements(array.elements, of: type.elementType) else { return nil }
      result.append(Tensor(shape: array.shape, elements: elements))
    }
    return result
  }

  /// The numbers in another type; nil when it cannot hold one.
  private func elements(_ numbers: [Double], of type: ElementType) -> Tensor.Elements? {
    func integers<Integer: FixedWidthInteger>(_: Integer.Type) -> [Integer]? {
      // The largest integers, which stand for "as far as possible", are rounded up on the way: they come back.
      let limit = Double(Integer.max)
      guard numbers.allSatisfy({ $0 >= Double(Integer.min) && $0 <= limit }) else { return nil }
      return numbers.map { $0 == limit ? .max : Integer($0) }
    }
    switch type {
    case .float32: return .float32(numbers.map { Float($0) })
    case .float64: return .float64(numbers)
    case .int8: return integers(Int8.self).map { .int8($0) }
    case .uint8: return integers(UInt8.self).map { .uint8($0) }
    case .int32: return integers(Int32.self).map { .int32($0) }
    case .int64: return integers(Int64.self).map { .int64($0) }
    case .bool: return .bool(numbers.map { $0 != 0 })
    }
  }
}
