import QATGraph
import QATONNX
import Testing

/// What tf2onnx makes of Keras' layers is read as the layers: formulas are operators again, batch normalisation is in the convolutions, and images are transposed only
/// where they come in and where a reshape needs their order. What the networks compute is compared with ONNX Runtime in RealExportTests.
@Suite struct KerasExportTests {
  /// Operators that a network must have, and no others of their types.
  struct Expectation: Sendable, CustomTestStringConvertible {
    var name: String
    var counts: [String: Int]
    var testDescription: String { name }

    init(_ name: String, _ counts: [String: Int]) {
      self.name = name
      self.counts = counts
    }
  }

  private static let cnn = [
    "Conv": 3, "ConvTranspose": 1, "Gelu": 1, "HardSwish": 1, "LayerNormalization": 1, "Transpose": 2, "Mul": 0, "Pow": 0, "Tanh": 0, "Sqrt": 0,
    "Reciprocal": 0,
  ]
  /// Rescaling is a product and a sum, squeeze and excitation two products, the residual connection one sum.
  private static let mobile = ["Conv": 12, "Swish": 7, "Sigmoid": 2, "Mul": 3, "Add": 3, "BatchNormalization": 0]
  private static let encoder = [
    "LayerNormalization": 5, "Gelu": 2, "Softmax": 2, "GlobalAveragePool": 0, "Sqrt": 0, "Tanh": 0, "Pow": 0, "Einsum": 0,
  ]

  @Test(arguments: [
    Expectation("keras_cnn-tf2onnx11", cnn), Expectation("keras_cnn-tf2onnx13", cnn), Expectation("keras_cnn-tf2onnx18", cnn),
    Expectation("keras_mobile-tf2onnx12", mobile.merging(["Transpose": 1]) { $1 }),
    Expectation("keras_mobile-tf2onnx17", mobile.merging(["Transpose": 1]) { $1 }),
    Expectation("keras_mobile_nchw-tf2onnx15", mobile.merging(["Transpose": 0]) { $1 }), Expectation("keras_encoder-tf2onnx15", encoder),
  ])
  func layersAreRecognised(expectation: Expectation) throws {
    let folder = try TemporaryFolder()
    _ = try PythonRuntime.run("exports.py", ["fill", RealExportTests.fixtures, folder.path, expectation.name], as: [String].self)
    let graph = try ONNXFile.read(contentsOf: folder.file("\(expectation.name).onnx"))
    let found = Dictionary(graph.nodes.map { ($0.type, 1) }, uniquingKeysWith: +)
    for (type, count) in expectation.counts { #expect(found[type, default: 0] == count, "\(type) in \(found)") }
  }
}
