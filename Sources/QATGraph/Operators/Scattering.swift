import QATTensor

/// An operator that copies data and writes updates into places of the copy that indices name. Inputs: data, indices (int32 or int64), updates.
///
/// Negative indices count from the end; an update for a place that data does not have is left out.
public protocol ScatteringOperator: Operator {
  /// What becomes of the number that stands at a place.
  var reduction: Scattering { get }
}

/// What an update does to the number at its place, by ONNX's names. Several updates of one place come one after the other.
public enum Scattering: String, Sendable, Hashable, CaseIterable {
  /// Takes its place.
  case replace = "none"
  /// Is added to it.
  case add
  /// Multiplies it.
  case multiply = "mul"
  /// Takes its place when it is larger. Equal ones share the gradient.
  case maximum = "max"
  /// Takes its place when it is smaller. Equal ones share the gradient.
  case minimum = "min"
}

extension ScatteringOperator {
  /// data, indices and updates.
  public static var inputCount: ClosedRange<Int> { 3...3 }
}

/// Whole slices, at places that each last row of indices names: output[indices[i, ..., :], :] = updates[i, ..., :]. Source: ONNX operator ScatterND.
public struct ScatterND: ScatteringOperator {
  /// ONNX's name.
  public static let type = "ScatterND"
  /// What becomes of the number that stands at a place.
  public var reduction: Scattering

  /// A scattering.
  public init(_ reduction: Scattering = .replace) { self.reduction = reduction }

  /// The type of data. The batch is not indexed.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let data = try present(inputs, 0, "data")
    let indices = try present(inputs, 1, "indices")
    let updates = try present(inputs, 2, "updates")
    let named = try namedAxes(data, indices, after: 0)
    guard updates == TensorType(indices.dimensions.dropLast() + data.dimensions[named.upperBound...], data.elementType) else {
      throw ShapeError("ScatterND cannot write \(updates) into \(data) at \(indices)")
    }
    return [data]
  }
}

/// Single elements: output[indices[i, j, ...], j, ...] = updates[i, j, ...] for axis 0. Source: ONNX operator ScatterElements.
public struct ScatterElements: ScatteringOperator {
  /// ONNX's name.
  public static let type = "ScatterElements"
  /// The axis of data that is indexed; negative counts from the end.
  public var axis: Int
  /// What becomes of the number that stands at a place.
  public var reduction: Scattering

  /// A scattering.
  public init(axis: Int = 0, _ reduction: Scattering = .replace) {
    self.axis = axis
    self.reduction = reduction
  }

  /// The type of data; indices and updates have one shape, which on the other axes does not exceed that of data.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let places = try GatherElements(axis: axis).outputTypes(for: Array(inputs.prefix(2)))[0]
    let (data, updates) = (try present(inputs, 0, "data"), try present(inputs, 2, "updates"))
    guard updates == places else { throw ShapeError("ScatterElements on axis \(axis) cannot write \(updates) into \(data)") }
    return [data]
  }
}
