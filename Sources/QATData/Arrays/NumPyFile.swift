import Foundation
import QATTensor

/// NumPy's files as whole tensors, for what is looked at rather than trained on.
public enum NumPyFile {
  /// Reads every array of a file.
  /// - Parameter path: a `.npz` file, or a `.npy` file, whose array is called after the file.
  /// - Returns: the arrays in the file's order, all elements as float32: whole numbers are exact up to 2²⁴.
  /// - Throws: `DataError` naming the file and the array.
  public static func read(contentsOf path: String) throws -> [(name: String, tensor: Tensor)] {
    if path.hasSuffix(".npy") {
      let name = (path as NSString).lastPathComponent
      return [(String(name.dropLast(4)), try NumPyArray(file: path).tensor)]
    }
    guard path.hasSuffix(".npz") else { throw DataError(.unfit, path, "it ends with neither .npz nor .npy, NumPy's files") }
    var arrays: [(name: String, tensor: Tensor)] = []
    try Archive.forEachFile(in: path, isTar: false) { entry, unpack in
      guard entry.path.hasSuffix(".npy") else { return }
      arrays.append((String(entry.path.dropLast(4)), try NumPyArray(unpack(), name: "\(path): \(entry.path)").tensor))
    }
    return arrays
  }
}

extension NumPyArray {
  /// All elements as float32.
  fileprivate var tensor: Tensor {
    let rows = shape.first ?? 1
    var values = [Float](repeating: 0, count: shape.reduce(1, *))
    let width = rowCount
    values.withUnsafeMutableBufferPointer { all in
      guard width > 0 else { return }
      for row in 0..<rows { read(row: row, into: UnsafeMutableBufferPointer(rebasing: all[(row * width)..<((row + 1) * width)])) }
    }
    return Tensor(values, shape: shape)
  }
}
