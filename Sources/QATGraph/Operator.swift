import QATTensor

/// An operator of a network, with ONNX semantics in NCHW: a value that holds its attributes. Inputs and outputs belong to the node.
///
/// The graph knows an operator's shapes; the engine adds its kernels and each format its spelling, by conforming the operator to protocols of their
/// own. A new operator is therefore one file here, one in the engine, and one entry in each format.
public protocol Operator: Sendable, Hashable {
  /// The name users see, which is ONNX's operator type.
  static var type: String { get }

  /// How many inputs a node must and may have.
  static var inputCount: ClosedRange<Int> { get }

  /// The types of the outputs.
  /// - Parameter inputs: one entry an input; nil where an optional input is absent. Its count lies in `inputCount`.
  /// - Throws: `ShapeError` when the inputs do not fit the operator.
  func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType]
}

/// Why an operator cannot take its inputs: what was found and what was expected. The graph adds the node.
public struct ShapeError: Error, Hashable, CustomStringConvertible {
  /// One sentence.
  public var description: String

  /// An error with its sentence.
  public init(_ description: String) { self.description = description }
}

extension Operator {
  /// The input at `index`.
  /// - Throws: `ShapeError` when it is absent or, if `rank` is given, of another rank.
  func required(_ inputs: [TensorType?], _ index: Int, _ role: String, rank: Int? = nil) throws(ShapeError) -> TensorType {
    guard index < inputs.count, let type = inputs[index] else { throw ShapeError("\(Self.type) needs the input '\(role)'") }
    if let rank, type.rank != rank {
      throw ShapeError("\(Self.type) needs a '\(role)' of \(rank) dimensions, found \(type)")
    }
    return type
  }

  /// `axis` counted from the front, in 0..<rank.
  func normalized(axis: Int, rank: Int) throws(ShapeError) -> Int {
    let positive = axis < 0 ? axis + rank : axis
    guard positive >= 0, positive < rank else { throw ShapeError("\(Self.type) has axis \(axis), which a tensor of \(rank) dimensions does not have") }
    return positive
  }
}
