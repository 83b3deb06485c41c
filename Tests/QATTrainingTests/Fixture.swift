import Foundation

/// Values that PyTorch computed.
struct PyTorchFixture: Decodable {
  struct OptimizerRun: Decodable {
    var type: String
    var momentum: Float
    var nesterov: Bool
    var weight_decay: Double
    var betas: [Double]
    var eps: Double
    /// The parameters after each step.
    var parameters: [[Float]]
  }

  struct Loss: Decodable {
    var rows: Int
    var classes: Int
    var smoothing: Float
    var scores: [Float]
    var labels: [Int32]
    var loss: Double
    var gradient: [Float]
    var top1: Int
    var top5: Int
  }

  var start: [Float]
  var gradients: [[Float]]
  var rates: [Double]
  var optimizers: [OptimizerRun]
  var cross_entropy: [Loss]

  static func load(_ file: String = #filePath) throws -> PyTorchFixture {
    let url = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
      "Fixtures/pytorch-training.json")
    return try JSONDecoder().decode(PyTorchFixture.self, from: Data(contentsOf: url))
  }
}
