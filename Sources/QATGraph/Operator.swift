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
  /// - Parameter inputs: one entry an input; nil where an optional input is absent. Their dimensions may be any numbers.
  /// - Returns: one type an output. Its dimensions are not checked against what a machine can hold; the graph does that.
  /// - Throws: `ShapeError` when the inputs do not fit the operator or its attributes make no sense.
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
  /// How many inputs a node may have, in words: `1 input`, `2 to 3 inputs`, `1 or more inputs`.
  public static var inputCountDescription: String {
    let (least, most) = (inputCount.lowerBound, inputCount.upperBound)
    if most == Int.max { return "\(least) or more inputs" }
    if least < most { return "\(least) to \(most) inputs" }
    return least == 1 ? "1 input" : "\(least) inputs"
  }

  /// The input at `index`, of any element type.
  /// - Throws: `ShapeError` when it is absent.
  func present(_ inputs: [TensorType?], _ index: Int, _ role: String) throws(ShapeError) -> TensorType {
    guard index < inputs.count, let type = inputs[index] else { throw ShapeError("\(Self.type) needs the input '\(role)'") }
    return type
  }

  /// The input at `index`, which the operator computes with.
  /// - Throws: `ShapeError` when it is absent, not of float32 or, if `rank` is given, of another rank.
  func required(_ inputs: [TensorType?], _ index: Int, _ role: String, rank: Int? = nil) throws(ShapeError) -> TensorType {
    let type = try present(inputs, index, role)
    guard type.elementType == .float32 else { throw ShapeError("\(Self.type) computes in float32, found a '\(role)' of \(type)") }
    if let rank, type.rank != rank {
      throw ShapeError("\(Self.type) needs a '\(role)' of \(rank) dimensions, found \(type)")
    }
    return type
  }

  /// `axis` counted from the front, in 0..<rank.
  func normalized(axis: Int, rank: Int) throws(ShapeError) -> Int {
    let positive = axis < 0 ? axis + rank : axis
    guard positive >= 0, positive < rank else {
      throw ShapeError("\(Self.type) has axis \(axis), which a tensor of \(rank) dimensions does not have")
    }
    return positive
  }
}
