import Foundation

extension ONNXFile {
  /// Bytes of initializers up to which a model is one file: protobuf ends at 2 GiB, and nodes need room as well.
  static let inlineLimit = 2_000_000_000
  /// Smaller tensors stay in the model, where shape inference looks for them.
  fileprivate static let smallestMoved = 1024
  /// Where tensors begin, so that readers can map them page by page.
  fileprivate static let alignment = 4096

  /// A model as files: its own, and one beside it with the initializers of a model that is too large for one file.
  struct Contents {
    /// The model file.
    var model: Data
    /// What the model file refers to; nil when it holds everything.
    var data: Data?
  }

  /// The name of the file beside the model at `path` that takes large initializers.
  static func dataName(beside path: String) -> String { (path as NSString).lastPathComponent + ".data" }
}

extension ONNXGraphProto {
  /// Takes the data of large initializers out, which then say where in the file `name` they are.
  /// - Returns: the contents of that file.
  mutating func moveInitializersOut(to name: String) -> Data {
    var data = Data()
    for index in initializer.indices where initializer[index].rawData.count >= ONNXFile.smallestMoved {
      let bytes = initializer[index].rawData
      data.append(Data(count: (ONNXFile.alignment - data.count % ONNXFile.alignment) % ONNXFile.alignment))
      let place = [("location", name), ("offset", "\(data.count)"), ("length", "\(bytes.count)")]
      data.append(bytes)
      initializer[index].clearRawData()
      initializer[index].dataLocation = .external
      initializer[index].externalData = place.map { key, value in
        var entry = ONNXStringStringEntryProto()
        entry.key = key
        entry.value = value
        return entry
      }
    }
    return data
  }
}
