import Foundation
import QAT
import Testing

extension ToolTests {
  /// Every call that a run makes to change its folder fails once, with each error that it may fail with. Tests/StorageFaults makes it fail, in the real program.
  ///
  /// A sample of the cases runs by default, all of them with QAT_TEST_CAMPAIGNS=full.
  @Suite struct StorageFaultTests {
    /// One call, by its number in a run, and what becomes of it.
    private struct Fault: CustomStringConvertible {
      var call: Int
      var name: String
      var error: String
      var description: String { "call \(call), \(name): \(error)" }
    }

    private static let errors: [String: [String]] = [
      "open": ["ENOSPC", "EIO", "EDQUOT", "KILL"], "fallocate": ["ENOSPC", "EDQUOT", "EIO", "EOPNOTSUPP", "KILL"],
      "write": ["ENOSPC", "EIO", "EDQUOT", "SHORT", "KILL"], "pwrite": ["ENOSPC", "EIO", "EDQUOT", "SHORT", "KILL"],
      "fsync": ["EIO", "ENOSPC", "EDQUOT", "KILL"], "ftruncate": ["EIO", "KILL"], "close": ["EIO", "ENOSPC", "EDQUOT", "KILL"],
      "rename": ["EIO", "ENOSPC", "EDQUOT", "LOST", "KILL"], "mkdir": ["ENOSPC", "EDQUOT", "EIO", "KILL"], "unlink": ["EIO", "KILL"],
      "rmdir": ["EIO", "KILL"],
    ]

    private let folder: Scratch
    private let library: String
    private let isFull = ProcessInfo.processInfo.environment["QAT_TEST_CAMPAIGNS"] == "full"

    init() throws {
      folder = try Scratch()
      let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("StorageFaults/storage_faults.c").path
      library = folder.url("libstorage-faults.so").path
      // The compiler that comes with every Swift toolchain.
      let compiler = Process()
      compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      compiler.arguments = ["clang", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", library, source, "-ldl"]
      try compiler.run()
      compiler.waitUntilExit()
      try #require(compiler.terminationStatus == 0)
      // Four steps in two epochs, a checkpoint after each, of which one stays besides the best: all that is ever written or removed.
      try folder.write(
        "small.json",
        """
        { "model": "resnet_small", "batch_size": 4, "epochs": 2, "seed": 1, "checkpoint": { "every": 1, "keep_last": 1 },
          "optimizer": { "type": "SGD", "base_lr": 0.01 }, "input_info": { "sample_size": [1, 1, 28, 28] } }
        """)
    }

    private func train(_ run: URL, _ through: [String] = []) throws -> ToolRun {
      try ToolRun(
        "train --config small.json --data synthetic:1,28,28,10,8 --checkpoint-dir \(run.path) --resume auto", in: folder, through: through,
        timeout: 60)
    }

    private func train(_ run: URL, trace: URL, failing fault: Fault?) throws -> ToolRun {
      let settings = ["LD_PRELOAD=\(library)", "STORAGE_FAULTS_FOLDER=\(run.path)", "STORAGE_FAULTS_TRACE=\(trace.path)"]
      return try train(run, settings + (fault.map { ["STORAGE_FAULTS_CALL=\($0.call)", "STORAGE_FAULTS_ERROR=\($0.error)"] } ?? []))
    }

    /// Number, name and path of each call.
    private func calls(_ trace: URL) throws -> [(number: Int, name: String, path: String)] {
      try String(contentsOf: trace, encoding: .utf8).split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        return words.count == 3 ? Int(words[0]).map { ($0, words[1], words[2]) } : nil
      }
    }

    private func files(_ checkpoint: URL) throws -> [String: Data] {
      let names = try FileManager.default.contentsOfDirectory(atPath: checkpoint.path)
      return try Dictionary(uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: checkpoint.appendingPathComponent($0))) })
    }

    private func step(_ name: String) -> Int? { name.hasPrefix("step-") ? Int(name.dropFirst(5)) : nil }

    @Test func whateverFailsTheCheckpointsBeforeAreIntactAndTheRunComesToTheSameEnd() throws {
      let (whole, trace) = (folder.url("whole"), folder.url("trace"))
      let first = try train(whole, trace: trace, failing: nil)
      try #require(first.exitCode == 0, "\(first.errors)")
      let expected = try files(whole.appendingPathComponent("step-000000004"))
      let all = try calls(trace).flatMap { call in (Self.errors[call.name] ?? []).map { Fault(call: call.number, name: call.name, error: $0) } }
      #expect(Set(try calls(trace).map(\.name)).isSubset(of: Self.errors.keys))
      #expect(all.count > 500)
      // A stride without a common factor with the lists above meets every kind of call with every error in the long run.
      let chosen = isFull ? all : stride(from: 7, to: all.count, by: all.count / 23).map { all[$0] }
      for (index, fault) in chosen.enumerated() { try check(fault, folder.url("run-\(index)"), expected) }
      print("storage faults: \(chosen.count) of \(all.count), in \(Set(all.map(\.call)).count) calls of \(Set(all.map(\.name)).count) kinds")
    }

    private func check(_ fault: Fault, _ run: URL, _ expected: [String: Data]) throws {
      defer { try? FileManager.default.removeItem(at: run) }
      let trace = run.appendingPathExtension("trace")
      let troubled = try train(run, trace: trace, failing: fault)
      if fault.error == "KILL" {
        #expect(troubled.exitCode == SIGKILL, "\(fault)")
      } else {
        #expect([0, 7].contains(troubled.exitCode), "\(fault): \(troubled.exitCode) \(troubled.errors)")
        if troubled.exitCode == 7 { #expect(troubled.errors.contains("qat: error: "), "\(fault): \(troubled.errors)") }
      }

      // What is called a checkpoint is one, and none that was complete is lost.
      let completed =
        try calls(trace).filter { $0.number < fault.call && $0.name == "rename" }
        .compactMap { step(URL(fileURLWithPath: $0.path).lastPathComponent) }.max() ?? 0
      let left = ((try? FileManager.default.contentsOfDirectory(atPath: run.path)) ?? []).filter { step($0) != nil }
      for name in left { #expect(throws: Never.self, "\(fault)") { try CheckpointDirectory.read(run.appendingPathComponent(name).path) } }
      #expect(left.compactMap(step).max() ?? 0 >= completed, "\(fault): \(left), though step \(completed) was complete")

      let again = try train(run)
      #expect(again.exitCode == 0, "\(fault): \(again.errors)")
      #expect(try files(run.appendingPathComponent("step-000000004")) == expected, "\(fault)")
      let rubbish = try FileManager.default.contentsOfDirectory(atPath: run.path).filter {
        $0.hasPrefix(".") || $0 == "LOCK"
      }
      #expect(rubbish == [], "\(fault)")
    }

    /// Pictures, exports and reports are written alike, by `DurableFile`.
    @Test func whateverFailsAPictureIsWholeOrAsBeforeAndNothingGathersBesideIt() throws {
      let place = folder.url("pictures")
      let picture = place.appendingPathComponent("net.svg")
      func draw(_ settings: [String]) throws -> ToolRun {
        let trace = ["LD_PRELOAD=\(library)", "STORAGE_FAULTS_FOLDER=\(place.path)", "STORAGE_FAULTS_TRACE=\(place.path)-trace"]
        return try ToolRun("inspect --model resnet_small --svg \(picture.path)", in: folder, through: trace + settings, timeout: 60)
      }
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try #require(draw([]).exitCode == 0)
      let whole = try Data(contentsOf: picture)
      let calls = try calls(URL(fileURLWithPath: "\(place.path)-trace"))
      #expect(Set(calls.map(\.name)).isSuperset(of: ["open", "fallocate", "write", "fsync", "close", "rename"]))
      let faults = calls.flatMap { call in (Self.errors[call.name] ?? []).map { Fault(call: call.number, name: call.name, error: $0) } }
      let before = Data("before".utf8)
      for fault in isFull ? faults : stride(from: 2, to: faults.count, by: 5).map({ faults[$0] }) {
        try before.write(to: picture)
        let run = try draw(["STORAGE_FAULTS_CALL=\(fault.call)", "STORAGE_FAULTS_ERROR=\(fault.error)"])
        #expect([0, fault.error == "KILL" ? SIGKILL : 7].contains(run.exitCode), "\(fault): \(run.exitCode) \(run.errors)")
        let found = try Data(contentsOf: picture)
        #expect(found == whole || found == before && run.exitCode != 0, "\(fault)")
        if run.exitCode == 7 { #expect(run.errors.contains("net.svg' cannot be written: "), "\(fault): \(run.errors)") }
        #expect(try draw([]).exitCode == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == ["net.svg"], "\(fault)")
        #expect(try Data(contentsOf: picture) == whole)
      }
    }

    @Test func aRunFindsItsFolderTakenByAnother() throws {
      let run = folder.url("run")
      var second: ToolRun?
      let first = try ToolRun(
        "train --config small.json --epochs 5000 --data synthetic:1,28,28,10,8 --checkpoint-dir \(run.path)", in: folder
      ) { process in
        guard folder.exists("run/step-000000002") || folder.exists("run/latest") else { return true }
        second = try? train(run)
        kill(process.processIdentifier, SIGUSR1)
        return false
      }
      #expect(first.exitCode == 75, "\(first.errors)")
      let refused = try #require(second)
      #expect(refused.exitCode == 7)
      #expect(refused.errors.contains("\(run.path) is in use by process ") && refused.errors.contains("it holds the lock"), "\(refused.errors)")
      #expect(!folder.exists("run/LOCK"))
    }

    /// A disk of its own, in a mount namespace, that is gone with it. First with little room, then, for the second run, with enough.
    @Test(arguments: [(1300, [7]), (1900, [0, 7]), (2700, [0])]) func aFullDiskCostsNoCheckpoint(kibibytes: Int, codes: [Int32]) throws {
      let whole = folder.url("whole")
      let first = try train(whole)
      try #require(first.exitCode == 0, "\(first.errors)")
      let disk = folder.url("disk")
      try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: true)
      // A chroot's root cannot be made private: what is mounted there is taken away again.
      let script = """
        mount --make-rprivate / 2>/dev/null
        mount -t tmpfs -o size=\(kibibytes)k tmpfs \(disk.path) || exit 69
        "$@"; echo "$?" > first; mount -o remount,size=64m \(disk.path) || exit 69
        "$@"; echo "$?" > second; cp -r \(disk.path)/run kept
        umount \(disk.path)
        """
      let namespace = getuid() == 0 ? ["unshare", "--mount"] : ["unshare", "--map-root-user", "--mount"]
      let run = try train(disk.appendingPathComponent("run"), namespace + ["--propagation", "unchanged", "sh", "-c", script, "sh"])
      if run.exitCode == 69 || !folder.exists("first") {
        if ProcessInfo.processInfo.environment["QAT_ALLOW_NO_NAMESPACES"] == "1" { return print("not tested: no disk of one's own: \(run.errors)") }
        throw ToolRun.Failure(description: "no disk of one's own: \(run.errors). QAT_ALLOW_NO_NAMESPACES=1 leaves such tests out")
      }
      let code = try #require(Int32(String(contentsOf: folder.url("first"), encoding: .utf8).trimmingCharacters(in: .newlines)))
      #expect(codes.contains(code), "\(code): \(run.errors)")
      if code == 7 { #expect(run.errors.contains("two must fit") || run.errors.contains("No space left"), "\(run.errors)") }
      #expect(try String(contentsOf: folder.url("second"), encoding: .utf8) == "0\n", "\(run.errors)")
      #expect(try files(folder.url("kept/step-000000004")) == files(whole.appendingPathComponent("step-000000004")))
    }
  }
}
