import QATGraph
import QATTensor
import RealModule

/// A comparison given by its answer for two numbers; truth values are 0 and 1.
protocol ComparisonKernel: ReferenceKernel, ComparisonOperator {
  /// Whether it holds.
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool
}

extension ComparisonKernel {
  /// Answers jump.
  public static var isDifferentiable: Bool { false }

  /// Asks element by element.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let (a, b) = (operand(inputs, 0), operand(inputs, 1))
    return KernelResult([broadcast(a, b, broadcastShape([a.shape, b.shape])) { holds($0, $1) ? 1 : 0 }])
  }

  /// None.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [nil, nil]
  }
}

extension Equal: ComparisonKernel {
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool { a == b }
}

extension Less: ComparisonKernel {
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool { a < b }
}

extension LessOrEqual: ComparisonKernel {
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool { a <= b }
}

extension Greater: ComparisonKernel {
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool { a > b }
}

extension GreaterOrEqual: ComparisonKernel {
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool { a >= b }
}

extension And: ComparisonKernel {
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool { a != 0 && b != 0 }
}

extension Or: ComparisonKernel {
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool { a != 0 || b != 0 }
}

extension Xor: ComparisonKernel {
  func holds<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> Bool { (a != 0) != (b != 0) }
}

extension Not: ReferenceKernel {
  /// Answers jump.
  public static var isDifferentiable: Bool { false }

  /// 1 where x is 0, 0 elsewhere.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([operand(inputs, 0).map { $0 == 0 ? 1 : 0 }])
  }

  /// None.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [nil]
  }
}

extension IsNaN: ReferenceKernel {
  /// Answers jump.
  public static var isDifferentiable: Bool { false }

  /// Asks each element.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([operand(inputs, 0).map { $0.isNaN ? 1 : 0 }])
  }

  /// None.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [nil]
  }
}
