import Foundation
import QATGraph
import SwiftProtobuf

extension ONNXFile {
  /// What a file says of itself besides the network: its `metadata_props`.
  /// - Parameter path: path of the file.
  /// - Returns: the strings by key; of equal keys the last.
  /// - Throws: `ONNXError` when the file cannot be read.
  public static func metadata(contentsOf path: String) throws -> [String: String] {
    Dictionary(try model(contentsOf: path).metadataProps.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
  }

  /// The inputs of a file's network, in order, with their sizes as far as the file fixes them: nil stands for an open one.
  /// - Parameter path: path of the file.
  /// - Returns: names and sizes; initializers that old files list among the inputs are none.
  /// - Throws: `ONNXError` when the file cannot be read.
  public static func inputs(contentsOf path: String) throws -> [(name: TensorName, sizes: [Int?])] {
    let graph = try model(contentsOf: path).graph
    let initializers = Set(graph.initializer.map(\.name))
    return graph.input.filter { !initializers.contains($0.name) }.map { input in
      let sizes: [Int?] = input.type.tensorType.shape.dim.map { dimension in
        if case .dimValue(let size) = dimension.value, size > 0 { Int(size) } else { nil }
      }
      return (input.name, sizes)
    }
  }

  private static func model(contentsOf path: String) throws -> ONNXModelProto {
    do {
      return try ONNXModelProto(serializedBytes: Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe))
    } catch {
      throw ONNXError(file: path, "the file cannot be read: \(error)")
    }
  }
}
