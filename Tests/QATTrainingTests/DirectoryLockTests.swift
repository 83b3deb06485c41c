import Foundation
import Testing

@testable import QATTraining

@Suite("The lock of a run's folder")
struct DirectoryLockTests {
  private let folder = TemporaryFolder()
  private var directory: CheckpointDirectory { CheckpointDirectory(folder.path) }
  private var file: String { "\(folder.path)/LOCK" }

  private func refusal(_ body: () throws -> DirectoryLock) throws -> String {
    let error = try #require(throws: TrainingError.self) { try body() }
    #expect(error.kind == .storage)
    return error.description
  }

  /// Leaves behind what a run without the system's lock would.
  private func leave(_ edit: (inout LockOwner) -> Void) throws {
    var owner = LockOwner.current()
    edit(&owner)
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
    try CheckpointSamples.write([UInt8](try encoder.encode(owner)), file)
  }

  @Test("is held by one, who is named to the next with the remedy, and gone with its owner")
  func exclusive() throws {
    var lock: DirectoryLock? = try directory.lock()
    let message = try refusal { try directory.lock() }
    for word in [folder.path, "process \(getpid())", OwnedName.host, "--force-unlock", "another --checkpoint-dir"] {
      #expect(message.contains(word), "\(word): \(message)")
    }
    #expect(lock != nil)
    lock = nil
    #expect(!FileSystem.exists(file))
    withExtendedLifetime(try directory.lock()) { #expect(FileSystem.exists(file)) }
  }

  @Test("belongs to another process of this machine as long as that one lives")
  func otherProcess() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sleep", "60"]
    try process.run()
    try leave { owner in
      owner.process = process.processIdentifier
      owner.processStart = nil
    }
    #expect(try refusal { try directory.lock() }.contains("that process is running"))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    withExtendedLifetime(try directory.lock()) {}
  }

  @Test("of a process that is gone from this machine is taken over, also when its number belongs to another one now")
  func deadOwner() throws {
    for (process, start) in [(Int32(1 << 30), nil), (getpid(), UInt64(1)), (1, 0)] as [(Int32, UInt64?)] {
      try leave { ($0.process, $0.processStart) = (process, start) }
      withExtendedLifetime(try directory.lock()) {}
    }
    try leave { _ in }
    #expect(try refusal { try directory.lock() }.contains("that process is running"))
  }

  @Test("of another machine is taken over after five minutes without a sign of life, or by the same job started again")
  func otherMachine() throws {
    func leave(secondsAgo: Double, job: String?) throws {
      try self.leave { owner in
        (owner.host, owner.job) = ("elsewhere", job)
        owner.heartbeat = Date(timeIntervalSinceNow: -secondsAgo)
      }
    }
    try leave(secondsAgo: 200, job: "77")
    let message = try refusal { try directory.lock() }
    #expect(message.contains("on elsewhere (job 77)") && message.contains("after 300 s"), "\(message)")
    try leave(secondsAgo: 310, job: "77")
    withExtendedLifetime(try directory.lock()) {}
    var (owner, candidate) = (LockOwner.current(), LockOwner.current())
    (owner.host, owner.job, candidate.job) = ("elsewhere", "77", "77")
    #expect(owner.signOfLife(to: candidate) == nil)
    candidate.job = "78"
    #expect(owner.signOfLife(to: candidate) != nil)
    (owner.job, candidate.job) = (nil, nil)
    #expect(owner.signOfLife(to: candidate) != nil, "no job is not the same job")
  }

  @Test("whose file says nothing is free when the system holds no lock on it", arguments: ["", "{", "null", "{\"host\": 3}"])
  func unreadable(text: String) throws {
    try directory.prepare()
    try CheckpointSamples.write(Array(text.utf8), file)
    withExtendedLifetime(try directory.lock()) {}
  }

  @Test("can be forced; who lost it does not take it from the new owner")
  func forced() throws {
    var first: DirectoryLock? = try directory.lock()
    let second = try directory.lock(isForced: true)
    #expect(first != nil)
    first = nil
    #expect(FileSystem.exists(file))
    _ = try refusal { try directory.lock() }
    withExtendedLifetime(second) {}
  }

  @Test("cannot be taken in a folder that cannot be written")
  func unwritable() throws {
    #expect(try refusal { try CheckpointDirectory("/proc/none").lock() }.contains("/proc/none"))
  }

  @Test("a process that has ended is gone, though nobody has asked yet how it ended")
  func zombie() throws {
    var process: pid_t = 0
    let arguments = [strdup("true"), nil]
    defer { free(arguments[0]) }
    try #require(posix_spawn(&process, "/bin/true", nil, nil, arguments, nil) == 0)
    let deadline = Date(timeIntervalSinceNow: 10)
    while OwnedName.isRunning(process), Date() < deadline { Thread.sleep(forTimeInterval: 0.01) }
    #expect(kill(process, 0) == 0, "its number is still taken")
    #expect(!OwnedName.isRunning(process))
    waitpid(process, nil, 0)
  }
}
