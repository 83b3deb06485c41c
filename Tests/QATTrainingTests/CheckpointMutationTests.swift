import Foundation
import QATSafetensors
import QATTensor
import Testing

@testable import QATTraining

/// Damage of every kind in every place. A thousand cases by default, ten thousand with QAT_TEST_CAMPAIGNS=full.
@Suite("Damaged checkpoints")
struct CheckpointMutationTests {
  typealias Samples = CheckpointSamples

  private static let count = ProcessInfo.processInfo.environment["QAT_TEST_CAMPAIGNS"] == "full" ? 10_000 : 1000
  private static let files = Samples.files + [Manifest.name]

  /// What may happen to the bytes of a file.
  private enum Mutation: CaseIterable {
    case flipBit, setByte, cut, extend, zero, repeated, moved, emptied

    func apply(_ bytes: [UInt8], _ random: inout RandomKeyStream) -> [UInt8] {
      var bytes = bytes
      func place(_ random: inout RandomKeyStream) -> Int { Int(random.next() % UInt64(max(bytes.count, 1))) }
      let start = place(&random)
      let end = min(bytes.count, start + 1 + place(&random) / 4)
      switch self {
      case .flipBit: bytes[start] ^= 1 << (random.next() % 8)
      case .setByte: bytes[start] = UInt8(truncatingIfNeeded: random.next())
      case .cut: bytes.removeLast(bytes.count - start)
      case .extend: bytes += (0...start).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      case .zero: for index in start..<end { bytes[index] = 0 }
      case .repeated: bytes.insert(contentsOf: bytes[start..<end], at: start)
      case .moved: bytes = Array(bytes[start...] + bytes[..<start])
      case .emptied: bytes = []
      }
      return bytes
    }
  }

  /// The same numbers in every run.
  private struct RandomKeyStream {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state ^ state >> 29) >> 16
    }
  }

  @Test("of which any byte differs is named, with the file, and the one before is used")
  func detected() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20])
    let newest = "\(folder.path)/step-000000020"
    let originals = try Dictionary(uniqueKeysWithValues: Self.files.map { ($0, try Samples.bytes("\(newest)/\($0)")) })
    var random = RandomKeyStream(state: 7)
    for number in 0..<Self.count {
      let name = Self.files[number % Self.files.count]
      let mutation = Mutation.allCases[number / Self.files.count % Mutation.allCases.count]
      let original = try #require(originals[name])
      let damaged = mutation.apply(original, &random)
      if damaged == original { continue }
      try Samples.write(damaged, "\(newest)/\(name)")
      var warnings: [String] = []
      let found = try directory.load(.auto) { warnings.append($0) }
      if found?.checkpoint.state.step != 10 || warnings.count != 1 || !warnings[0].contains("\(newest)/\(name)") {
        Issue.record("\(mutation) of \(name), case \(number): \(warnings)")
      }
      try Samples.write(original, "\(newest)/\(name)")
    }
    #expect(try directory.load(.auto)?.checkpoint.state.step == 20)
  }

  @Test("whose files have changed places, are gone, or are something else, are passed over", arguments: files)
  func exchanged(name: String) throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20])
    let (newest, older) = ("\(folder.path)/step-000000020", "\(folder.path)/step-000000010")
    let original = try Samples.bytes("\(newest)/\(name)")
    func expectFallback(_ what: String) throws {
      var warnings: [String] = []
      #expect(try directory.load(.auto) { warnings.append($0) }?.checkpoint.state.step == 10, "\(what)")
      #expect(warnings.count == 1 && warnings[0].contains("step-000000020"), "\(what): \(warnings)")
    }
    for other in Self.files where other != name {
      try Samples.write(try Samples.bytes("\(newest)/\(other)"), "\(newest)/\(name)")
      try expectFallback("\(other) in the place of \(name)")
    }
    // The manifest of another step is whole, but not of these files.
    try Samples.write(try Samples.bytes("\(older)/\(name)"), "\(newest)/\(name)")
    try expectFallback("\(name) of another step")
    try FileManager.default.removeItem(atPath: "\(newest)/\(name)")
    try expectFallback("no \(name)")
    #expect(mkfifo("\(newest)/\(name)", 0o600) == 0)
    try expectFallback("a pipe in the place of \(name)")
    try FileManager.default.removeItem(atPath: "\(newest)/\(name)")
    try FileManager.default.createDirectory(atPath: "\(newest)/\(name)", withIntermediateDirectories: false)
    try expectFallback("a folder in the place of \(name)")
    try FileManager.default.removeItem(atPath: "\(newest)/\(name)")
    // A terabyte of nothing: its size is compared before memory is taken for it.
    try Samples.write(original, "\(newest)/\(name)")
    #expect(truncate("\(newest)/\(name)", 1 << 40) == 0)
    try expectFallback("a terabyte in the place of \(name)")
  }

  @Test("whose manifest agrees with the damage are read or refused, never a crash")
  func resealed() throws {
    let folder = TemporaryFolder()
    _ = try Samples.directory(folder, steps: [20])
    let newest = "\(folder.path)/step-000000020"
    let originals = try Dictionary(uniqueKeysWithValues: Samples.files.map { ($0, try Samples.bytes("\(newest)/\($0)")) })
    var random = RandomKeyStream(state: 11)
    var refused = 0
    for number in 0..<Self.count {
      var bytes = originals
      let name = Samples.files[number % Samples.files.count]
      bytes[name] = bytes[name].map { Mutation.allCases[number / Samples.files.count % Mutation.allCases.count].apply($0, &random) }
      try seal(bytes, newest)
      do { _ = try CheckpointDirectory.read(newest) } catch { refused += 1 }
    }
    #expect(refused > Self.count / 4)
    // Lengths that are promised and not there.
    for header in [UInt64.max, 1 << 62, 100_000_000, 8] {
      try seal(originals.merging(["model.safetensors": withUnsafeBytes(of: header.littleEndian) { Array($0) }]) { $1 }, newest)
      #expect(throws: (any Error).self) { try CheckpointDirectory.read(newest) }
    }
    for text in [String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000), "1e999999", "\"\\ud800\""] {
      try seal(originals.merging(["state.json": Array(text.utf8)]) { $1 }, newest)
      #expect(throws: (any Error).self) { try CheckpointDirectory.read(newest) }
    }
  }

  /// Writes files and a manifest that is right about them.
  private func seal(_ files: [String: [UInt8]], _ folder: String) throws {
    let buffers = files.mapValues { bytes in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      copy.copyBytes(from: bytes)
      return copy
    }
    defer { buffers.values.forEach { $0.deallocate() } }
    let manifest = Manifest(of: Samples.checkpoint(step: 20).state, files: buffers.map { ($0.key, UnsafeRawBufferPointer($0.value)) })
    try Samples.write(manifest.encoded(), "\(folder)/\(Manifest.name)")
    for (name, bytes) in files { try Samples.write(bytes, "\(folder)/\(name)") }
  }
}
