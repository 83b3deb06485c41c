import QATTensor
import Testing

@testable import QATEngine

/// A step that fills what it writes with numbers that depend on all that it reads.
private final class MixingStep: Step {
  private let number: UInt64
  private let repeats: Bool
  private(set) var runs = 0

  init(_ number: Int, reads: [PlanBuffer], writes: [PlanBuffer], repeats: Bool) {
    self.number = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
    self.repeats = repeats
    super.init(label: "mix \(number)", reads: reads, writes: writes)
  }

  override var isRepeatable: Bool { repeats }

  override func run() {
    runs += 1
    var hash = number
    for buffer in reads {
      for index in 0..<buffer.byteCount / 8 {
        hash = (hash ^ buffer.pointer.load(fromByteOffset: 8 * index, as: UInt64.self)) &* 0x100_0000_01B3
        hash ^= hash >> 29
      }
    }
    for buffer in writes {
      for index in 0..<buffer.byteCount / 8 {
        hash = hash &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        buffer.pointer.storeBytes(of: hash, toByteOffset: 8 * index, as: UInt64.self)
      }
    }
  }
}

@Suite("What steps make again is what they made")
struct ScheduleTests {
  /// Steps of random shapes: some with several results, some that only use memory while they run, some that may not run again, some that change a buffer in place.
  private struct Network {
    var forward: [MixingStep] = []
    var backward: [MixingStep] = []
    var buffers: [PlanBuffer] = []
    let result = AlignedBuffer<Float>(count: 2 * 200)

    init(seed: UInt64) {
      var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
      func draw(_ count: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % count
      }
      var results: [PlanBuffer] = []
      var all: [PlanBuffer] = []
      func buffer() -> PlanBuffer {
        let made = PlanBuffer(byteCount: 64 * (1 + draw(20)))
        all.append(made)
        return made
      }
      for number in 0..<60 {
        // Mostly of what was made last, sometimes of something old.
        let reads = results.isEmpty ? [] : (0...draw(2)).map { _ in results[max(0, results.count - 1 - draw(draw(4) == 0 ? results.count : 3))] }
        var writes = [buffer()]
        if draw(5) == 0 { writes.append(buffer()) }
        results += writes
        if draw(4) == 0 { writes.append(buffer()) }
        forward.append(MixingStep(number, reads: reads, writes: writes, repeats: draw(6) > 0))
        if writes.count == 1, draw(5) == 0 { forward.append(MixingStep(1000 + number, reads: writes + reads, writes: writes, repeats: true)) }
      }
      var upstream: PlanBuffer?
      let memory = result.elements
      for (number, step) in forward.reversed().enumerated() {
        let gradient = buffer()
        let kept = (step.reads + step.writes).filter { written in draw(2) == 0 && results.contains { $0 === written } }
        let outside = PlanBuffer(.init(rebasing: memory[2 * number..<2 * number + 2]), owner: result)
        backward.append(MixingStep(2000 + number, reads: kept + [upstream].compactMap { $0 }, writes: [gradient, outside], repeats: false))
        upstream = gradient
      }
      buffers = all
    }

    func run(_ order: [Int]) -> [UInt32] {
      let steps = forward + backward
      for number in order { steps[number].run() }
      return result.elements.map(\.bitPattern)
    }
  }

  @Test("in whatever order, and in memory that others have used between", arguments: 1...40)
  func random(seed: Int) throws {
    let network = Network(seed: UInt64(seed))
    let table = StepTable(forward: network.forward, backward: network.backward, buffers: network.buffers)
    let (complete, layout, none) = try Schedule.fitting(table, within: .max)
    #expect(none.forwardShare == 0 && complete.order == Array(table.steps.indices))
    // All in the same memory, one after the other.
    let memory = AlignedBuffer<UInt8>(count: layout.byteCount)
    layout.place(in: memory)
    let expected = network.run(complete.order)
    let error = #expect(throws: MemoryLimitError.self) { try Schedule.fitting(table, within: 0) }
    let least = try #require(error).least
    for limit in [least, (least + layout.byteCount) / 2, layout.byteCount - 1] where limit < layout.byteCount {
      let (schedule, layout, _) = try Schedule.fitting(table, within: limit)
      #expect(layout.byteCount <= limit && (schedule.loads.max() ?? 0) <= layout.byteCount)
      layout.place(in: memory)
      let runs = network.forward.map(\.runs)
      #expect(network.run(schedule.order) == expected)
      for (step, before) in zip(network.forward, runs) {
        #expect(step.runs - before <= 2 && (step.isRepeatable || step.runs - before == 1), "\(step.label)")
      }
    }
    let (economical, smaller, _) = try Schedule.fitting(table, within: nil)
    #expect(smaller.byteCount <= layout.byteCount && economical.repeatedCost(table) <= Schedule.spentShare * table.cost)
    smaller.place(in: memory)
    #expect(network.run(economical.order) == expected)
    // Whatever is made again, needed or not.
    let all = Schedule(table, dropping: table.buffers.indices.map { table.isRemakeable[$0] && !table.isForgotten[$0] })
    let whole = ArenaLayout(table, all)
    let more = AlignedBuffer<UInt8>(count: whole.byteCount)
    whole.place(in: more)
    #expect(network.run(all.order) == expected)
    withExtendedLifetime((memory, more)) {}
  }
}
