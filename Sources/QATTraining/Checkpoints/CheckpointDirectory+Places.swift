import Foundation
import QATFiles

/// What a path can stand for where a checkpoint is asked for: a checkpoint's folder; a run's folder; a run's `latest` or `best`.
extension CheckpointDirectory {
  /// The run that a path belongs to.
  /// - Parameter path: the folder of a run or of one of its checkpoints, or a run's `latest` or `best`.
  /// - Returns: the run's folder.
  public static func run(containing path: String) -> CheckpointDirectory {
    let folder = CheckpointDirectory(path)
    if let hint = hint(folder.path) { return hint.run }
    guard step(of: (folder.path as NSString).lastPathComponent) != nil || FileSystem.exists("\(folder.path)/\(Manifest.name)") else { return folder }
    let absolute = URL(fileURLWithPath: folder.path).standardizedFileURL
    return CheckpointDirectory(absolute.deletingLastPathComponent().path)
  }

  /// The checkpoint that a path stands for, valid or not.
  /// - Parameter path: as for `run(containing:)`; a run stands for its newest checkpoint.
  /// - Returns: the checkpoint's folder; nil when there is none.
  public static func checkpoint(at path: String) -> String? {
    let folder = CheckpointDirectory(path)
    if let hint = hint(folder.path) { return (try? hint.run.load(hint.choice))?.path }
    if let newest = (try? folder.candidates)?.first { return "\(folder.path)/\(newest)" }
    return FileSystem.exists(folder.path) && run(containing: folder.path).path != folder.path ? folder.path : nil
  }

  /// What the names of a run's hints stand for, nil for other paths.
  static func hint(_ path: String) -> (run: CheckpointDirectory, choice: Choice)? {
    let choice = Choice((path as NSString).lastPathComponent)
    guard choice == .latest || choice == .best else { return nil }
    let run = CheckpointDirectory(DurableFile.folder(of: path))
    return FileSystem.exists("\(run.path)/run.json") ? (run, choice) : nil
  }
}
