import Foundation
import QATTensor

/// Decides what batches hold, one after the other.
protocol BatchProducer: AnyObject {
  /// Notes in the slot which samples the next batch holds. False when there is none.
  func plan(_ slot: BatchSlot) -> Bool
}

/// A ring of three batches between threads that read and the thread that consumes: one in use, one ready, one being filled.
///
/// The batches are planned in order; their samples are dealt one by one to whichever thread is free, each to its own place in the batch. What a batch holds
/// therefore does not depend on the threads, nor on their number. Of several faults the one at the first place counts.
///
/// Invariant behind `@unchecked Sendable`: everything that changes is touched with the lock held, but for the memory of a batch: a place belongs to the thread that
/// claimed it until that says it is done, and the whole batch to the consumer from the moment it is complete until it has given it back. In a steady step
/// nothing here allocates.
final class BatchQueue: @unchecked Sendable {
  /// How far the samples of a batch are.
  private struct Progress {
    /// Places to fill.
    var total = 0
    /// Places handed out.
    var claimed = 0
    /// Places that are done.
    var finished = 0
    /// Whether all are done and nothing is left to do.
    var isComplete = false
  }

  private let reader: SampleReader
  private let slots: [BatchSlot]
  private var progress: [Progress]
  private let producer: any BatchProducer
  /// The seed of augmentation; nil leaves samples as they are.
  private let augmentSeed: UInt64?
  /// Whether another sample stands in for one that is corrupt; otherwise it is left out.
  private let replaces: Bool
  private let condition = NSCondition()
  private var planned = 0
  private var filled = 0
  private var taken = 0
  private var holding = false
  private var ended = false
  private var cancelled = false
  private var failure: (batch: Int, place: Int, error: any Error)?

  /// A queue of batches of at most `capacity` samples.
  init(_ producer: any BatchProducer, reader: SampleReader, capacity: Int, augmentSeed: UInt64?, replaces: Bool) {
    self.producer = producer
    self.reader = reader
    self.augmentSeed = augmentSeed
    self.replaces = replaces
    slots = (0..<3).map { BatchSlot(number: $0, capacity: capacity, reader: reader) }
    progress = slots.map { _ in Progress() }
  }

  /// Memory of the batches.
  var byteCount: Int { slots.reduce(0) { $0 + $1.byteCount } }

  /// Starts threads that read. They end by themselves when there is no more, one fails, or the queue is cancelled.
  func start(threads: Int) {
    for number in 0..<max(1, threads) {
      let thread = Thread { [self] in work() }
      thread.name = "qat batches \(number)"
      thread.start()
    }
  }

  private func work() {
    let workspace = reader.makeWorkspace()
    while let (batch, place) = claim() {
      let slot = slots[batch % slots.count]
      let sample = slot.samples[place]
      let key = augmentSeed.map { RandomKey(seed: $0, purpose: .augmentation, slot.epoch, sample) }
      do {
        let isPresent = try reader.read(sample, augmentKey: key, workspace, into: slot, place: place, replaces: replaces)
        finish(batch, place, isPresent: isPresent, nil)
      } catch {
        finish(batch, place, isPresent: false, error)
      }
    }
  }

  /// The next place to fill, planning batches as there is room for them; nil when there is nothing left to do.
  private func claim() -> (batch: Int, place: Int)? {
    condition.lock()
    defer { condition.unlock() }
    while !cancelled, failure == nil {
      for batch in filled..<planned {
        let index = batch % slots.count
        guard progress[index].claimed < progress[index].total else { continue }
        progress[index].claimed += 1
        return (batch, progress[index].claimed - 1)
      }
      if !ended, planned - taken < slots.count {
        let index = planned % slots.count
        if producer.plan(slots[index]) {
          slots[index].reading.start = DispatchTime.now().uptimeNanoseconds
          progress[index] = Progress(total: slots[index].count)
          planned += 1
        } else {
          ended = true
        }
        condition.broadcast()
      } else if ended {
        return nil
      } else {
        condition.wait()
      }
    }
    return nil
  }

  /// Notes that a place is done; the last one completes the batch.
  private func finish(_ batch: Int, _ place: Int, isPresent: Bool, _ error: (any Error)?) {
    let index = batch % slots.count
    condition.lock()
    defer { condition.unlock() }
    progress[index].finished += 1
    slots[index].isPresent[place] = isPresent
    if let error, failure.map({ (batch, place) < ($0.batch, $0.place) }) ?? true { failure = (batch, place, error) }
    if progress[index].finished == progress[index].total, failure.map({ $0.batch > batch }) ?? true {
      condition.unlock()
      slots[index].complete(reader.options.mixing, seed: augmentSeed)
      condition.lock()
      slots[index].reading.end = DispatchTime.now().uptimeNanoseconds
      progress[index].isComplete = true
      while filled < planned, progress[filled % slots.count].isComplete { filled += 1 }
    }
    condition.broadcast()
  }

  /// Gives back the batch lent before, waits for the next and lends it; nil at the end.
  /// - Throws: what a thread that reads has thrown, once everything before it is consumed, and again ever after.
  func next() throws -> BatchSlot? {
    condition.lock()
    defer { condition.unlock() }
    if holding {
      (holding, taken) = (false, taken + 1)
      condition.broadcast()
    }
    while true {
      if filled > taken {
        holding = true
        return slots[taken % slots.count]
      }
      let state = progress[taken % slots.count]
      if let failure, failure.batch == taken, state.finished == state.claimed { throw failure.error }
      if ended, taken == planned { return nil }
      condition.wait()
    }
  }

  /// Tells the threads to end after the samples that they are reading.
  func cancel() {
    condition.withLock { cancelled = true }
    condition.broadcast()
  }
}
