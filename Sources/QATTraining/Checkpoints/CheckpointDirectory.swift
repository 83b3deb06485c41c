import QATCommunication

/// The folder of a run: its configuration, its fp32 model, its newest checkpoints, and its logs.
///
/// ```
/// run.json  model.onnx                    what was trained, how, and from which seed
/// step-000001200/                         a checkpoint, complete by one rename
///   model.safetensors  optimizer.safetensors  state.json  MANIFEST.json
/// latest  best                            names of checkpoints; hints only
/// metrics.jsonl  tensorboard/             curves
/// results.json  report.html               what the run has come to
/// ```
/// Only rank 0 writes. The truth is a scan: the newest checkpoint whose manifest verifies. Folders named `.tmp-…`, `.trash-…` and `.abandoned-…` are
/// garbage once the process in their names has ended.
public struct CheckpointDirectory: Sendable {
  /// The folder.
  public let path: String
  /// How many of the newest checkpoints stay; the best one stays besides.
  public var keepLast: Int
  /// The checkpoint at the end of every so many epochs stays for good; 0 keeps none for this.
  public var keepEveryEpochs: Int
  /// Called before each thing that is written, with its name. Tests throw here.
  var willWrite: @Sendable (_ what: String) throws -> Void = { _ in }

  /// A folder, which need not exist yet.
  /// - Parameters:
  ///   - path: the folder.
  ///   - keepLast: how many of the newest checkpoints stay, at least one.
  ///   - keepEveryEpochs: the checkpoint at the end of every so many epochs stays for good; 0 keeps none for this.
  public init(_ path: String, keepLast: Int = 3, keepEveryEpochs: Int = 0) {
    precondition(keepLast > 0 && keepEveryEpochs >= 0)
    // No slash at the end, so that names can be put behind it.
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
    self.keepLast = keepLast
    self.keepEveryEpochs = keepEveryEpochs
  }

  /// Where metrics are logged.
  public var metricsPath: String { "\(path)/metrics.jsonl" }
  /// The folder of TensorBoard's event files.
  public var eventsPath: String { "\(path)/tensorboard" }

  /// Makes the folder, checks that it can be written, and removes what earlier runs left unfinished. Called by rank 0 before training.
  /// - Throws: `TrainingError` naming the folder and the system's reason.
  public func prepare() throws {
    try FileSystem.makeFolder(path)
    let probe = "\(path)/\(OwnedName.make(.temporary, of: "probe"))"
    try FileSystem.write(UnsafeRawBufferPointer(start: nil, count: 0), to: probe)
    discardGarbage()
  }

  /// Names of the folders that look like checkpoints, newest first; none when there is no such folder.
  /// - Throws: `TrainingError` when the folder cannot be listed.
  public var candidates: [String] {
    get throws {
      try FileSystem.names(in: path).filter { Self.step(of: $0) != nil }.sorted { (Self.step(of: $0) ?? 0) > (Self.step(of: $1) ?? 0) }
    }
  }

  /// The name of a step's checkpoint.
  public static func name(ofStep step: Int) -> String {
    let digits = "\(step)"
    return "step-" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
  }

  /// The step that a name tells, nil when it names no checkpoint.
  static func step(of name: String) -> Int? {
    guard name.hasPrefix("step-"), name.count >= 14 else { return nil }
    return Int(name.dropFirst(5)).flatMap { $0 >= 0 ? $0 : nil }
  }
}
