import CVectorKernels
import QATData
import QATEngine
import QATGraph

/// A loss of every element of an output by itself against a number: the mean over the elements of a sample.
public struct ElementwiseLoss: OutputLoss {
  /// What is minimised, with d = output − target.
  public enum Kind: Sendable, Hashable {
    /// d².
    case squared
    /// |d|.
    case absolute
    /// d²/2 up to `delta`, delta · (|d| − delta/2) beyond. Huber 1964, "Robust Estimation of a Location Parameter".
    case huber(delta: Double)
    /// −t · log σ(output) − (1 − t) · log(1 − σ(output)), with t in [0, 1].
    case binaryCrossEntropy
  }

  /// The network's output.
  public let output: TensorName
  /// What is minimised.
  public let kind: Kind
  /// Elements of a sample.
  public let elementCount: Int
  private let shape: [Int]

  /// The loss of a network's output.
  /// - Parameters:
  ///   - kind: what is minimised.
  ///   - graph: the network.
  ///   - output: which output; nil for the only one.
  /// - Throws: `TrainingError` when the network has no such output; `GraphError` when the graph is none.
  public init(_ kind: Kind, of graph: Graph, output: String? = nil) throws {
    self.kind = kind
    (self.output, shape) = try graph.lossOutput(output)
    elementCount = shape.reduce(1, *)
  }

  /// Targets are no classes.
  public var classRule: ClassRule? { nil }

  /// What targets it takes, in words.
  public var expectation: String { "numbers of the shape \(shape), as many as the output '\(output)' has" }

  /// Whether targets are as many numbers as outputs. Ones may be left out of the shape.
  public func accepts(_ target: SampleTarget) -> Bool {
    guard case .numbers(let found) = target else { return false }
    return found.filter { $0 != 1 } == shape.filter { $0 != 1 }
  }

  /// Sums the loss over as many samples as there are targets. Nothing counts as right or wrong.
  public func evaluate(
    scores: UnsafeBufferPointer<Float>, targets: BatchTargets, gradient: UnsafeMutableBufferPointer<Float>?, scale: Float
  ) -> LossSums {
    guard case .numbers(let numbers) = targets.values else { return LossSums(positions: 0, count: targets.count) }
    precondition(numbers.count == targets.count * elementCount && scores.count >= numbers.count && (gradient?.count ?? scores.count) >= numbers.count)
    let (outputs, wanted, slopes) = (scores.baseAddress, numbers.baseAddress, gradient?.baseAddress)
    func regression(_ kind: qat_regression_kind, delta: Double = 1) -> Double {
      qat_regression_loss(outputs, wanted, slopes, targets.count, elementCount, kind, Float(delta), scale)
    }
    let loss =
      switch kind {
      case .squared: regression(qat_squared_error)
      case .absolute: regression(qat_absolute_error)
      case .huber(let delta): regression(qat_huber_error, delta: delta)
      case .binaryCrossEntropy: qat_binary_cross_entropy(outputs, wanted, slopes, targets.count, elementCount, scale)
      }
    return LossSums(loss: loss, positions: 0, count: targets.count)
  }
}
