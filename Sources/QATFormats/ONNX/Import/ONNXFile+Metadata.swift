import Foundation
import SwiftProtobuf

extension ONNXFile {
  /// What a file says of itself besides the network: its `metadata_props`.
  /// - Parameter path: path of the file.
  /// - Returns: the strings by key; of equal keys the last.
  /// - Throws: `ONNXError` when the file cannot be read.
  public static func metadata(contentsOf path: String) throws -> [String: String] {
    do {
      let model = try ONNXModelProto(serializedBytes: Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe))
      return Dictionary(model.metadataProps.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    } catch {
      throw ONNXError(file: path, "the file cannot be read: \(error)")
    }
  }
}
