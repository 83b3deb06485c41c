import Foundation
import Testing

/// Every file of a folder's newest checkpoint, by its name with the checkpoint's.
func newestCheckpoint(in folder: String) throws -> [String: Data] {
  let manager = FileManager.default
  let name = try #require(try manager.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("step-") }.max())
  var files: [String: Data] = [:]
  for file in try manager.contentsOfDirectory(atPath: "\(folder)/\(name)") {
    files["\(name)/\(file)"] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)/\(file)"))
  }
  return files
}
