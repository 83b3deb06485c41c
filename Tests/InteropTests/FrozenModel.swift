import Foundation
import QATEngine
import QATGraph
import QATTensor

/// A Keras model that TensorFlow has frozen, with images and what TensorFlow makes of them.
struct FrozenModel {
  /// An array in a raw float32 file.
  struct Array: Codable {
    var file: String
    var shape: [Int]

    init(file: String, shape: [Int]) {
      self.file = file
      self.shape = shape
    }

    /// Writes a tensor in the file's order.
    init(_ tensor: Tensor, file: String) throws {
      let arranged = tensor.shape.count == 4 ? tensor.transposed([0, 2, 3, 1]) : tensor
      try (arranged.floats ?? []).withUnsafeBytes { Data($0) }.write(to: URL(filePath: file))
      self.init(file: file, shape: arranged.shape)
    }

    /// The shape in which a file of TensorFlow's holds a tensor of ours.
    static func fileShape(_ shape: [Int]) -> [Int] { shape.count == 4 ? [shape[0], shape[2], shape[3], shape[1]] : shape }

    func values() throws -> [Float] { try FrozenModel.floats(file) }

    /// Four dimensions as images of ours, others as they are.
    func tensor() throws -> Tensor {
      let tensor = Tensor(try values(), shape: shape)
      return shape.count == 4 ? tensor.transposed([0, 3, 1, 2]) : tensor
    }
  }

  private struct Description: Decodable {
    var inputs: [String: Array]
    var outputs: [String: Array]
    var operators: [String]
  }

  let folder: TemporaryFolder
  let inputs: [String: Array]
  let outputs: [String: Array]
  let operators: [String]

  var path: String { folder.file("model.pb") }

  /// Builds and freezes the model that `keras_models.py` calls `name`.
  init(_ name: String, images: Int = 16) throws {
    folder = try TemporaryFolder()
    let description = try PythonRuntime.run("keras_models.py", [name, folder.path, "\(images)"], as: Description.self)
    (inputs, outputs, operators) = (description.inputs, description.outputs, description.operators)
  }

  static func floats(_ file: String) throws -> [Float] {
    let data = try Data(contentsOf: URL(filePath: file))
    return data.withUnsafeBytes { Swift.Array($0.bindMemory(to: Float.self)) }
  }
}

/// What TensorFlow and OpenVINO make of a frozen graph of ours.
struct FrozenRun: Decodable {
  /// Files of the outputs.
  var tensorflow: [String: String]
  var openvino: [String: String]
  /// Files of the codes of quantized weights, by the constant's name.
  var weights: [String: String]
  /// In which precision OpenVINO runs each product.
  var precisions: [String: String]

  private struct Order: Encodable {
    var inputs: [String: FrozenModel.Array]
    var outputs: [String]
    var batch: Int
  }

  static func of(_ model: String, on inputs: [String: FrozenModel.Array], outputs: [String], batch: Int = 16, in folder: TemporaryFolder) throws
    -> FrozenRun
  {
    let order = try JSONEncoder().encode(Order(inputs: inputs, outputs: outputs, batch: batch))
    return try PythonRuntime.run("run_frozen.py", [model, folder.path, String(decoding: order, as: UTF8.self)], as: FrozenRun.self)
  }
}

extension Graph {
  /// The outputs on images of ours, by a plan with the fast kernels.
  func planned(on inputs: [String: Tensor], batchSize: Int? = nil) throws -> [TensorName: [Float]] {
    let state = try ModelState(self)
    let count = inputs.values.first?.shape.first ?? 1
    let batch = batchSize ?? count
    let plan = try Plan(self, state: state, batchSize: batch, mode: .evaluation)
    var results: [TensorName: [Float]] = [:]
    for start in stride(from: 0, to: count, by: batch) {
      for (name, tensor) in inputs {
        let size = tensor.count / count
        _ = plan.input(name).update(fromContentsOf: (tensor.floats ?? [])[(start * size)..<((start + batch) * size)])
      }
      plan.forward()
      for output in outputs { results[output, default: []] += plan.output(output) }
    }
    return results
  }
}

/// The largest difference, relative to the largest magnitude.
func relativeDistance(_ ours: [Float], _ theirs: [Float]) -> Float {
  guard ours.count == theirs.count, !ours.isEmpty else { return .infinity }
  let largest = theirs.map(abs).max() ?? 0
  return (zip(ours, theirs).map { abs($0 - $1) }.max() ?? 0) / max(largest, .leastNormalMagnitude)
}
