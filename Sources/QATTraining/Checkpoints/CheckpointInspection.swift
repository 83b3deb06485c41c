import Foundation
import QATSafetensors
import QATTensor

/// What is in a checkpoint's folder, as far as it can be read: for people who look at one, whole or damaged.
public struct CheckpointInspection: Sendable {
  /// One file that the manifest lists.
  public struct File: Sendable {
    /// Its name in the folder.
    public var name: String
    /// Its size in bytes, as the manifest says.
    public var size: Int
    /// What is wrong with it; nil when its size and its checksum are what the manifest says.
    public var fault: String?
  }

  /// The folder.
  public let path: String
  /// When the manifest was written; nil when there is none.
  public let date: Date?
  /// What the manifest lists, by name.
  public private(set) var files: [File] = []
  /// Where the run stood; nil when that cannot be read.
  public private(set) var state: TrainingState?
  /// Parameters and statistics by name; empty when they cannot be read.
  public private(set) var model: [String: Tensor] = [:]
  /// What the optimizer remembered by name; empty when it cannot be read.
  public private(set) var optimizer: [String: Tensor] = [:]
  /// What is wrong, one sentence each; none when a run can go on from here.
  public private(set) var faults: [String] = []

  /// Reads a checkpoint's folder. Never fails: what is wrong is in `faults`.
  public init(_ path: String) {
    self.path = path
    let manifestPath = "\(path)/\(Manifest.name)"
    date = (try? FileManager.default.attributesOfItem(atPath: manifestPath))?[.modificationDate] as? Date
    guard let manifest = collect({ try Manifest(readingFrom: path) }) else { return }
    files = manifest.files.sorted { $0.key < $1.key }.map { File(name: $0.key, size: $0.value.size) }
    var contents: [String: [UInt8]] = [:]
    for index in files.indices {
      do {
        contents[files[index].name] = try manifest.bytes(of: files[index].name, in: path)
      } catch {
        files[index].fault = "\(error)"
        faults.append("\(error)")
      }
    }
    if let bytes = contents["model.safetensors"] { model = collect { try Safetensors.decode(bytes).tensors } ?? [:] }
    if let bytes = contents["optimizer.safetensors"] { optimizer = collect { try Safetensors.decode(bytes).tensors } ?? [:] }
    if let bytes = contents["state.json"] { state = collect { try TrainingState(json: bytes, file: "\(path)/state.json") } }
    // What only shows when all parts are looked at together.
    if faults.isEmpty { _ = collect { try CheckpointDirectory.read(path) } }
  }

  /// Bytes of all files.
  public var size: Int { files.reduce(0) { $0 + $1.size } }

  private mutating func collect<Result>(_ body: () throws -> Result) -> Result? {
    do {
      return try body()
    } catch {
      faults.append("\(error)")
      return nil
    }
  }
}
