import Foundation
import QATGraph
import Testing

@testable import QATONNX

/// Damaged networks of real exporters: read or refused with a sentence, never a crash, a hang, or memory out of proportion to the file.
///
/// A run takes seconds; `scripts/fuzz-import SECONDS` goes on longer, and says at the end what it needed.
@Suite("Damaged ONNX files", .serialized) struct ONNXFuzzTests {
  private static let corpus: [[UInt8]] = {
    let folders = [onnxFixtures, "\(onnxFixtures)/graphs"]
    let files = folders.flatMap { folder in
      (try? FileManager.default.contentsOfDirectory(atPath: folder))?.filter { $0.hasSuffix(".onnx") }.sorted().map { "\(folder)/\($0)" } ?? []
    }
    return files.compactMap { FileManager.default.contents(atPath: $0).map { Array($0) } }
  }()

  private static var campaign: Double? { ProcessInfo.processInfo.environment["QAT_FUZZ_SECONDS"].flatMap(Double.init) }

  @Test(arguments: [false, true]) func areReadOrRefusedInTime(isStructured: Bool) throws {
    #expect(Self.corpus.count >= 10)
    let seed = ProcessInfo.processInfo.environment["QAT_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
    var random = SeededGenerator(seed: seed)
    let end = Date(timeIntervalSinceNow: (Self.campaign ?? 0) / 2)
    var (rounds, read, refused) = (0, 0, 0)
    var (slowest, largest) = (0.0, 0.0)
    repeat {
      for intact in Self.corpus {
        let bytes = isStructured ? try Self.damaged(intact, using: &random) : intact.mutated(using: &random)
        let start = Date()
        Memory.forgetPeak()
        do {
          _ = try ONNXFile.decode(bytes)
          read += 1
        } catch {
          refused += 1
          let text = "\(error)"
          #expect(error is ONNXError && text.utf8.count > 10 && text.utf8.count < 20_000)
        }
        slowest = max(slowest, Date().timeIntervalSince(start))
        if Self.campaign != nil { largest = max(largest, Memory.grownSinceForgotten / Double(bytes.count + 1 << 20)) }
      }
      rounds += 1
    } while rounds < 25 || Date() < end
    #expect(refused > 100)
    // No fixture is large: whatever takes this long does not end.
    #expect(slowest < 20)
    #expect(largest <= 64, "memory grew by \(largest) times the size of the file and a mebibyte")
    if Self.campaign != nil {
      print(
        "\(isStructured ? "networks" : "bytes") damaged: \(read) read, \(refused) refused; the slowest took \(slowest) s, memory grew by at most \(largest) times file + 1 MiB"
      )
    }
  }

  /// The network with a few faults in its structure, as files that are well-formed protobuf but no network.
  private static func damaged(_ bytes: [UInt8], using random: inout SeededGenerator) throws -> [UInt8] {
    var model = try ONNXModelProto(serializedBytes: bytes)
    for _ in 0..<Int.random(in: 1...3, using: &random) { damage(&model, using: &random) }
    return try model.serializedBytes()
  }

  private static let extremes: [Int64] = [.min, .max, -1, 0, 1, 2, 3, 7, 1 << 20, 1 << 31, -(1 << 31), 1 << 40, 1 << 62, -2, 64, 65]

  private static func damage(_ model: inout ONNXModelProto, using random: inout SeededGenerator) {
    func extreme() -> Int64 { extremes.randomElement(using: &random) ?? 0 }
    let tensors = model.graph.node.flatMap(\.output) + model.graph.initializer.map(\.name)
    guard let node = model.graph.node.indices.randomElement(using: &random), let tensor = tensors.randomElement(using: &random) else { return }
    switch Int.random(in: 0..<14, using: &random) {
    case 0: model.graph.node[node].opType = ONNXFile.operatorTypes.randomElement(using: &random) ?? ""
    case 1: model.graph.node.remove(at: node)
    case 2: model.graph.node.append(model.graph.node[node])
    case 3: model.graph.node.swapAt(node, model.graph.node.count - 1 - node)
    case 4, 5:
      if let input = model.graph.node[node].input.indices.randomElement(using: &random) { model.graph.node[node].input[input] = tensor }
    case 6: model.graph.node[node].input = Array(model.graph.node[node].input.dropLast())
    case 7: model.graph.node[node].output = [tensor]
    case 8, 9:
      guard let attribute = model.graph.node[node].attribute.indices.randomElement(using: &random) else { return }
      if let place = model.graph.node[node].attribute[attribute].ints.indices.randomElement(using: &random) {
        model.graph.node[node].attribute[attribute].ints[place] = extreme()
      } else {
        model.graph.node[node].attribute[attribute].i = extreme()
      }
    case 10:
      let kept = model.graph.node[node].attribute.shuffled(using: &random).dropLast()
      model.graph.node[node].attribute = Array(kept)
    case 11, 12:
      guard let index = model.graph.initializer.indices.randomElement(using: &random) else { return }
      let count = model.graph.initializer[index].rawData.count / 8
      if model.graph.initializer[index].dataType == 7, count > 0, Bool.random(using: &random) {
        // Shapes, axes and the like.
        var numbers = model.graph.initializer[index].rawData
        let place = Int.random(in: 0..<count, using: &random) * 8
        withUnsafeBytes(of: extreme().littleEndian) { numbers.replaceSubrange(place..<place + 8, with: $0) }
        model.graph.initializer[index].rawData = numbers
      } else if let axis = model.graph.initializer[index].dims.indices.randomElement(using: &random) {
        model.graph.initializer[index].dims[axis] = extreme()
      }
    default:
      guard let input = model.graph.input.indices.randomElement(using: &random),
        let axis = model.graph.input[input].type.tensorType.shape.dim.indices.randomElement(using: &random)
      else { return }
      model.graph.input[input].type.tensorType.shape.dim[axis].dimValue = extreme()
    }
  }
}

/// The most memory that this process had in use, as the kernel counts it.
private enum Memory {
  nonisolated(unsafe) private static var before = 0

  /// Begins to count anew.
  static func forgetPeak() {
    try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    before = kibibytes("VmRSS:")
  }

  /// Bytes that were in use at most since then, beyond what was in use then.
  static var grownSinceForgotten: Double { Double(max(0, kibibytes("VmHWM:") - before)) * 1024 }

  private static func kibibytes(_ field: String) -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    return status.split(separator: "\n").first { $0.hasPrefix(field) }.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") } ?? 0
  }
}
