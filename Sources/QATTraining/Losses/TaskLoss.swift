/// What training minimises on the targets of the data.
public enum TaskLoss: String, Sendable, Hashable, Codable, CaseIterable {
  /// The cross-entropy of the network's scores, for a class a sample, a pixel or a token, or shares of classes.
  case crossEntropy = "cross_entropy"
  /// The binary cross-entropy of the logistic function of every output by itself: for labels of which several may hold.
  case binaryCrossEntropy = "binary_cross_entropy"
  /// The mean squared error.
  case mse
  /// The mean absolute error.
  case l1
  /// The mean of Huber's function of the error.
  case huber
  /// Nothing: targets are not looked at, and the network learns from its teacher alone.
  case none
}
