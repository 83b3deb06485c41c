/// A number by which an evaluation judges a network, besides the loss.
public enum Metric: String, Sendable, Hashable, Codable, CaseIterable {
  /// Fraction of positions whose class scores highest.
  case top1
  /// Fraction of positions whose class is among the five highest scores.
  case top5
  /// Mean over classes of intersection over union: TP / (TP + FP + FN). Classes that neither occur nor are predicted do not count.
  case meanIntersectionOverUnion = "miou"
  /// Mean over classes, or over labels of which several may hold, of 2 TP / (2 TP + FP + FN). What neither occurs nor is predicted does not count.
  case f1
  /// Root of the mean squared error over all elements.
  case rootMeanSquaredError = "rmse"
  /// Mean absolute error over all elements.
  case meanAbsoluteError = "mae"
  /// Fraction of positions in which the network before it was compressed prefers the same class.
  case agreement

  /// What it is called in tables.
  public var title: String {
    switch self {
    case .top1: "top-1"
    case .top5: "top-5"
    case .meanIntersectionOverUnion: "mIoU"
    case .f1: "F1"
    case .rootMeanSquaredError: "RMSE"
    case .meanAbsoluteError: "MAE"
    case .agreement: "agreement"
    }
  }

  /// Whether less is better.
  public var isError: Bool { self == .rootMeanSquaredError || self == .meanAbsoluteError }

  /// The losses whose targets it can be computed of.
  var losses: [TaskLoss] {
    switch self {
    case .top1, .top5, .meanIntersectionOverUnion, .agreement: [.crossEntropy, .none]
    case .f1: [.crossEntropy, .binaryCrossEntropy, .none]
    case .rootMeanSquaredError, .meanAbsoluteError: [.mse, .l1, .huber]
    }
  }
}
